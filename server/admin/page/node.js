// One node: its data, stat, access and children, brought up to date while it is shown.

import { aclView, editAcl } from './acl.js';
import { download, get } from './api.js';
import { dataView, isGzip, unpacked } from './data_view.js';
import { note } from './dialog.js';
import { badge, copy, copyButton, empty, errorBox, flash, h, iconButton, loading, panel } from './dom.js';
import { Editor } from './editor.js';
import { bytes, count, duration, nameOf, nodeLink, parentOf, treeAddress } from './format.js';
import * as live from './live.js';
import { throttled } from './poll.js';
import { Table } from './table.js';
import { pathLinks } from './tree.js';
import { createChild, deleteNode } from './writes.js';
import { childColumns, fillStat } from './node_stat.js';

const REFRESH_MS = 300;
const PAGE = 100;
// Of a node that may not be read.
const UNKNOWN = {
    version: null,
    cversion: null,
    aversion: null,
    data_length: null,
    num_children: null,
    ctime_ms: null,
    mtime_ms: null,
    czxid: null,
    mzxid: null,
    pzxid: null,
};
const FORMATS = ['auto', 'text', 'json', 'hex', 'base64'];

export class NodePanel {
    /// `wrote(path)` is called after a write of ours to a node, or below it.
    constructor(shell, who, wrote) {
        this.shell = shell;
        this.who = who;
        this.wrote = wrote;
        this.element = h('div.node', { 'aria-live': 'off' });
        this.refresh = throttled(REFRESH_MS, () => this.#read());
    }

    open(path) {
        this.path = path;
        this.format = 'auto';
        this.node = null;
        this.#endEdit();
        this.element.replaceChildren(h('div.head', h('div.title', pathLinks(path))), loading('Reading the node'));
        live.follow('node', [path], (event) => this.#event(event));
        this.#address();
        this.#read();
    }

    close() {
        this.refresh.cancel();
        live.follow('node', []);
        this.path = null;
    }

    unsaved() {
        return Boolean(this.editor?.dirty());
    }

    keys = {
        e: () => this.node && this.who.can_write && this.edit(),
        n: () => this.node && this.who.can_write && this.create(),
        y: async () =>
            note((await copy(this.path)) ? 'The path is in the clipboard' : 'The browser does not let the page copy'),
        u: () => {
            location.hash = nodeLink(parentOf(this.path));
        },
    };

    #address() {
        this.shell.setAddress(treeAddress(this.path), this.format === 'auto' ? {} : { format: this.format });
    }

    #event({ path, type }) {
        if (path !== this.path && parentOf(path) !== this.path) return;
        if (type === 'deleted' && path === this.path) this.#gone();
        else this.refresh();
    }

    async #read() {
        const path = this.path;
        const wanted = this.format;
        const format = wanted === 'gzip' ? 'hex' : wanted;
        try {
            const node = await get(treeAddress(path), {
                format,
                limit: this.node ? Math.max(PAGE, this.children_shown) : PAGE,
            });
            if (path !== this.path || wanted !== this.format) return; // what was asked for later is on its way
            node.stat ??= UNKNOWN;
            if (this.node && this.node.stat.czxid === node.stat.czxid) this.#update(node);
            else this.#draw(node);
        } catch (error) {
            if (path !== this.path) return;
            if (error.code === 'NoNode') this.#gone();
            else this.#trouble(error);
        }
    }

    #gone() {
        const was = Boolean(this.node);
        this.node = null;
        if (this.editor) {
            // what was typed stays in sight
            this.editor.trouble.replaceChildren(
                errorBox({ code: 'NoNode', message: 'somebody deleted this node meanwhile' }),
            );
            return;
        }
        this.element.replaceChildren(
            h('div.head', h('div.title', pathLinks(this.path))),
            empty(
                was ? 'This node has just been deleted' : 'There is no such node',
                this.path,
                ' ',
                h('a', { href: nodeLink(parentOf(this.path)) }, 'Go to the parent'),
            ),
        );
    }

    #trouble(error) {
        const box = errorBox(error, () => this.#read());
        if (this.node) this.notice.replaceChildren(box);
        else this.element.replaceChildren(h('div.head', h('div.title', pathLinks(this.path))), box);
    }

    #draw(node) {
        this.node = node;
        this.children_shown = node.children.items.length;
        const write = this.who.can_write;
        const root = this.path === '/' || this.path.startsWith('/zookeeper');
        this.kind = h('span.kinds');
        this.notice = h('div');
        this.data = h('div');
        this.stat = h('dl.stat');
        this.acl = h('div');
        this.size = h('span');
        this.data_tools = h('div.segments', { role: 'group', 'aria-label': 'Shown as' });
        this.children = new Table(childColumns(), { key: (row) => row.path, label: 'Children' });
        this.more = h('div');
        const edit =
            write && node.readable
                ? h('button', { type: 'button', title: 'e', on: { click: () => this.edit() } }, 'Edit')
                : null;
        this.data_panel = panel('Data', [this.data_tools, edit], this.data);
        this.children_panel = panel(
            'Children',
            [
                this.size,
                h('button.small', { type: 'button', on: { click: () => this.#measure() } }, 'Measure subtree'),
                h(
                    'button.small',
                    { type: 'button', title: 'All below as lines of JSON', on: { click: () => this.#export() } },
                    'Export',
                ),
            ],
            this.children.element,
            this.more,
        );
        this.element.replaceChildren(
            h(
                'div.head',
                h(
                    'div.title',
                    pathLinks(this.path),
                    copyButton('Copy the path (y)', () => this.path),
                    this.kind,
                ),
                h(
                    'div.actions',
                    write
                        ? h('button', { type: 'button', title: 'n', on: { click: () => this.create() } }, 'New child')
                        : null,
                    write && node.readable && !root
                        ? h('button.danger-quiet', { type: 'button', on: { click: () => this.remove() } }, 'Delete')
                        : null,
                ),
            ),
            this.notice,
            h(
                'div.node-columns',
                h('div.node-main', this.data_panel, this.children_panel),
                h(
                    'div.node-side',
                    panel('Stat', null, this.stat),
                    panel(
                        'Access',
                        write && node.readable
                            ? iconButton('edit', 'Edit the access control list', () => this.#editAcl())
                            : null,
                        this.acl,
                    ),
                ),
            ),
        );
        this.#fill(null);
    }

    #update(node) {
        const before = this.node;
        this.node = node;
        this.children_shown = node.children.items.length;
        this.notice.replaceChildren();
        this.editor?.changed(node.stat.version);
        this.#fill(before);
        if (before.stat.mzxid !== node.stat.mzxid) flash(this.data_panel.firstChild);
    }

    #fill(before) {
        const { node } = this;
        this.kind.replaceChildren(
            badge(node.kind, `kind-${node.kind}`),
            node.ttl_ms ? badge(`ttl ${duration(node.ttl_ms)}`) : '',
        );
        const same_data = before?.stat.mzxid === node.stat.mzxid && this.filled === this.format;
        if (!this.editor && !same_data) this.#fillData();
        fillStat(this.stat, node, Boolean(before));
        this.acl.replaceChildren(
            node.readable || node.acl?.length ? aclView(node.acl) : h('p.quiet', 'Not readable for you.'),
        );
        this.children.update(node.children.items);
        const { total, items, next } = node.children;
        this.children.element.hidden = total === 0;
        this.more.replaceChildren(
            total === 0
                ? h('p.quiet', node.readable ? 'None.' : 'Not readable for you.')
                : next
                  ? h(
                        'button.link',
                        { type: 'button', on: { click: () => this.#moreChildren() } },
                        `Show more: ${count(items.length)} of ${count(total)}`,
                    )
                  : '',
        );
    }

    #fillData() {
        const { data } = this.node;
        this.filled = this.format;
        const formats = isGzip(data) || this.format === 'gzip' ? [...FORMATS, 'gzip'] : FORMATS;
        this.data_tools.replaceChildren(
            ...formats.map((format) =>
                h(
                    'button',
                    {
                        type: 'button',
                        'aria-pressed': String(format === this.format),
                        on: { click: () => this.#show(format) },
                    },
                    format === 'auto' && data ? `auto: ${data.format}` : format,
                ),
            ),
        );
        if (!this.node.readable) {
            this.data.replaceChildren(h('p.quiet', 'You may not read this node.'));
            return;
        }
        this.data.replaceChildren(
            dataView(data),
            data?.truncated ? h('p.hint', `The first part of ${bytes(data.size)}.`) : '',
        );
        if (this.format === 'gzip') {
            const still = () => this.node?.data === data && this.format === 'gzip' && !this.editor;
            unpacked(data.value).then(
                (text) => still() && this.data.replaceChildren(h('pre.data.wrap', text)),
                () => still() && this.data.prepend(h('p.bad', 'This is not gzip, or cut short.')),
            );
        }
    }

    #show(format) {
        this.format = format;
        this.#address();
        this.#read();
    }

    async #moreChildren() {
        try {
            const { children } = await get(treeAddress(this.path), {
                limit: PAGE,
                cursor: this.node.children.next,
                data_max: 0,
            });
            const items = [...this.node.children.items, ...children.items];
            this.node = { ...this.node, children: { ...children, items } };
            this.children_shown = Math.min(1000, items.length);
            this.#fill(this.node);
        } catch (error) {
            this.#trouble(error);
        }
    }

    async #measure() {
        this.size.replaceChildren(h('span.quiet', 'Counting'));
        try {
            const below = await get(treeAddress(this.path), { size: true });
            this.size.replaceChildren(
                below.complete ? '' : 'at least ',
                `${count(below.nodes)} nodes, ${bytes(below.bytes)}, ${count(below.ephemerals)} ephemeral`,
            );
        } catch (error) {
            this.size.replaceChildren(h('span.bad', error.message));
        }
    }

    async #export() {
        this.size.replaceChildren(h('span.quiet', 'Reading all below'));
        try {
            await download(
                treeAddress(this.path),
                { recursive: true, data: true, acl: true },
                `${nameOf(this.path).replace('/', 'root')}.ndjson`,
            );
            this.size.replaceChildren();
        } catch (error) {
            this.size.replaceChildren(h('span.bad', error.message));
        }
    }

    async edit() {
        if (this.editor) return;
        const editor = new Editor(this.path, (saved) => {
            this.#endEdit();
            if (this.node) this.#fillData();
            if (saved) {
                note(`Saved ${this.path}`);
                this.wrote(this.path);
            }
            this.#read();
        });
        this.editor = editor;
        this.data_panel.classList.add('editing');
        this.data.replaceChildren(loading('Reading the data'));
        try {
            await editor.open();
            if (this.editor !== editor) return;
            this.data.replaceChildren(editor.element);
            editor.text.focus();
        } catch (error) {
            if (this.editor !== editor) return;
            this.#endEdit();
            this.#fillData();
            this.#trouble(error);
        }
    }

    #endEdit() {
        this.editor = null;
        this.data_panel?.classList.remove('editing');
    }

    async create() {
        const path = await createChild(this.path);
        if (!path) return;
        note(`Created ${path}`);
        this.wrote(path);
        location.hash = nodeLink(path);
    }

    async remove() {
        const { node } = this;
        if (!(await deleteNode(node))) return;
        note(`Deleted ${node.path}`);
        this.wrote(node.path);
        location.hash = nodeLink(parentOf(node.path));
    }

    async #editAcl() {
        if (!(await editAcl(this.path, this.node))) return;
        note(`Saved the access list of ${this.path}`);
        this.#read();
    }
}
