// Editing a znode's data: write, review the difference, save under the version that the edit began from. When
// somebody else was faster, nothing is lost: theirs, yours and the difference are shown, and the user decides.
//
// Line ends  a text field knows \n alone. Data whose lines all end in \r\n gets them back on saving; mixed ends are
//            edited as hex, where they are safe.

import { get, put } from './api.js';
import { prettyJson, wrapped } from './data_view.js';
import { diffView } from './diff.js';
import { errorBox, h } from './dom.js';
import { ago, bytes, treeAddress } from './format.js';

const DATA_MAX = 4 << 20;

export class Editor {
    /// `closed(saved)` is called once, at the end.
    constructor(path, closed) {
        this.path = path;
        this.closed = closed;
        this.body = h('div.editor-body');
        this.trouble = h('div.trouble');
        this.notice = h('div.notice', { hidden: true, role: 'status' });
        this.element = h(
            'div.editor',
            { on: { keydown: (event) => this.#key(event) } },
            this.notice,
            this.body,
            this.trouble,
        );
    }

    /// Reads the whole of the data, in a form that survives being edited.
    async open() {
        const base = await this.#read();
        this.#startFrom(base);
        this.was_json = base.data?.format === 'json';
        this.text = h('textarea', {
            value: this.base.text,
            spellcheck: 'false',
            autocapitalize: 'off',
            'aria-label': `Data of ${this.path}`,
            rows: Math.min(30, Math.max(8, this.base.text.split('\n').length + 1)),
            on: { input: () => this.#drawState() },
        });
        this.#write();
    }

    /// Whether leaving would lose something.
    dirty() {
        return Boolean(this.text) && this.text.value !== this.base.text;
    }

    /// The node has changed on the server, as an event told.
    async changed(version) {
        if (!this.base || version === this.base.version) return;
        this.notice.hidden = false;
        this.notice.replaceChildren(
            `Somebody changed this node meanwhile: version ${version}, yours began from ${this.base.version}. `,
            h('button.small', { type: 'button', on: { click: () => this.#conflict() } }, 'Compare'),
        );
    }

    async #read() {
        let node = await get(treeAddress(this.path), { data_max: DATA_MAX, limit: 1 });
        const value = node.data?.value ?? '';
        if (node.data?.truncated) throw new Error(`${bytes(node.data.size)} are too much for an editor`);
        const lone = value.replaceAll('\r\n', '');
        if (node.data && node.data.format !== 'hex' && value.includes('\r') && /[\r\n]/.test(lone)) {
            node = await get(treeAddress(this.path), { data_max: DATA_MAX, limit: 1, format: 'hex' });
        }
        return node;
    }

    #startFrom(node) {
        const format = node.data?.format ?? 'text';
        const value = node.data?.value ?? '';
        const crlf = format !== 'hex' && value.includes('\r\n');
        const text = format === 'hex' ? wrapped(value, 64) : value.replaceAll('\r\n', '\n');
        this.base = { version: node.stat.version, mtime_ms: node.stat.mtime_ms, format, text, crlf };
    }

    #write() {
        const { format, crlf, version } = this.base;
        this.state = h('span.quiet');
        const tidy = () => {
            if (this.#invalid()) return;
            this.text.value = prettyJson(this.text.value);
            this.#drawState();
        };
        this.body.replaceChildren(
            this.text,
            h(
                'footer',
                this.state,
                h(
                    'span.quiet',
                    `from version ${version}`,
                    crlf ? ', lines end in CR LF' : '',
                    format === 'hex' ? ', hex digits' : '',
                ),
                h('span.grow'),
                this.was_json ? h('button', { type: 'button', on: { click: tidy } }, 'Indent') : null,
                h('button', { type: 'button', on: { click: () => this.closed(false) } }, 'Cancel'),
                h('button.primary', { type: 'button', title: 'Ctrl+S', on: { click: () => this.#review() } }, 'Review'),
            ),
        );
        this.forward = () => this.#review();
        this.#drawState();
        this.text.focus();
    }

    #drawState() {
        const trouble = this.#invalid();
        this.state.textContent = trouble ?? bytes(this.#size());
        this.state.classList.toggle('bad', Boolean(trouble));
    }

    #size() {
        return this.base.format === 'hex'
            ? this.#payload().value.length / 2
            : new TextEncoder().encode(this.#payload().value).length;
    }

    /// What is wrong with the text; JSON that no longer is can be saved all the same, hex cannot.
    #invalid() {
        if (this.base.format === 'hex') {
            return /^([0-9a-f]{2})*$/i.test(this.#payload().value) ? null : 'Not pairs of hex digits';
        }
        if (!this.was_json) return null;
        try {
            JSON.parse(this.text.value);
            return null;
        } catch (error) {
            return `No longer JSON: ${error.message}`;
        }
    }

    #payload() {
        const text = this.text.value;
        if (this.base.format === 'hex') return { format: 'hex', value: text.replace(/\s/g, '') };
        return { format: 'text', value: this.base.crlf ? text.replaceAll('\n', '\r\n') : text };
    }

    #review() {
        this.trouble.replaceChildren();
        if (this.text.value === this.base.text) {
            this.trouble.replaceChildren(h('p.quiet', 'Nothing has changed yet.'));
            return;
        }
        const broken = this.#invalid();
        if (broken && this.base.format === 'hex') return;
        const save = h(
            'button.primary',
            { type: 'button', title: 'Ctrl+S', on: { click: () => this.#save(this.base.version) } },
            'Save',
        );
        this.body.replaceChildren(
            h('h3', `What you change in version ${this.base.version}`),
            broken ? h('p.bad', broken) : '',
            diffView(this.base.text, this.text.value, 'Your change'),
            h(
                'footer',
                h('span.grow'),
                h('button', { type: 'button', on: { click: () => this.#write() } }, 'Go on editing'),
                save,
            ),
        );
        this.forward = () => this.#save(this.base.version);
        save.focus();
    }

    async #save(version) {
        if (this.saving) return;
        this.saving = true;
        this.trouble.replaceChildren();
        try {
            await put(treeAddress(this.path), { data: this.#payload(), version });
            this.closed(true);
        } catch (error) {
            if (error.code === 'BadVersion') await this.#conflict();
            else this.trouble.replaceChildren(errorBox(error));
        } finally {
            this.saving = false;
        }
    }

    async #conflict() {
        let theirs;
        try {
            const mine = this.base;
            this.#startFrom(await this.#read());
            theirs = this.base;
            this.base = mine;
        } catch (error) {
            this.trouble.replaceChildren(errorBox(error));
            return;
        }
        this.notice.hidden = true;
        this.forward = () => {};
        const yours = this.text.value;
        const part = (title, ...content) => h('section', h('h4', title), ...content);
        const plain = (text, label) => h('pre.data', { 'aria-label': label, tabindex: '0' }, text);
        const reload = () => {
            this.base = theirs;
            this.text.value = theirs.text;
            this.#write();
        };
        const keep = () => {
            this.base = theirs;
            this.#write();
        };
        const overwrite = () => {
            this.base = { ...theirs, format: this.base.format, crlf: this.base.crlf };
            this.#save(theirs.version);
        };
        this.body.replaceChildren(
            h(
                'div.conflict',
                { role: 'region', 'aria-label': 'Conflict' },
                h('h3', 'Somebody else was faster'),
                h(
                    'p',
                    `You began from version ${this.base.version}. The server has version ${theirs.version}, `,
                    `written ${ago(theirs.mtime_ms)}. `,
                    'Nothing of yours is saved or lost yet.',
                ),
                h(
                    'div.sides',
                    part(`Theirs, version ${theirs.version}`, plain(theirs.text, 'Theirs')),
                    part('Yours', plain(yours, 'Yours')),
                ),
                part('From theirs to yours', diffView(theirs.text, yours, 'From theirs to yours')),
                h(
                    'footer',
                    h('span.grow'),
                    h('button', { type: 'button', on: { click: reload } }, 'Take theirs'),
                    (theirs.format === 'hex') === (this.base.format === 'hex')
                        ? h('button', { type: 'button', on: { click: keep } }, 'Edit mine on top of theirs')
                        : null,
                    h(
                        'button.danger',
                        { type: 'button', on: { click: overwrite } },
                        `Overwrite version ${theirs.version}`,
                    ),
                ),
            ),
        );
    }

    #key(event) {
        if ((event.ctrlKey || event.metaKey) && event.key === 's') {
            event.preventDefault();
            this.forward?.();
        } else if (event.key === 'Escape' && !this.dirty()) {
            this.closed(false);
        }
    }
}
