// The tree as a widget: one row per visible node, branches loaded when they are opened and page by page, brought up
// to date in place by events. Arrow keys as the ARIA pattern of a tree view has them.

import { get } from './api.js';
import { flash, h } from './dom.js';
import { bytes, childOf, count, nodeLink, parentOf, treeAddress } from './format.js';
import * as live from './live.js';
import { throttled } from './poll.js';
import { icon } from './svg.js';

const PAGE = 100;
const PAGE_MAX = 1000;
const FOLLOWED_MAX = 40; // of the stream's 50; the rest is for what a view shows besides
const REFRESH_MS = 400;

export class Tree {
    /// `choose(path)` is called when the user wants a node shown.
    constructor(choose) {
        this.choose = choose;
        this.branches = new Map(); // path -> {items, far, total, next, open, loading, error, refresh}
        this.rows = new Map(); // path -> row element, of what is or was shown
        this.selected = '/';
        this.focused = '/';
        this.element = h('div.tree', {
            role: 'tree',
            'aria-label': 'Znodes',
            on: { keydown: (event) => this.#key(event) },
        });
        this.root = { name: '/', path: '/', kind: 'persistent', num_children: 1, data_length: 0 };
        this.#branch('/').open = true;
    }

    close() {
        live.follow('tree', []);
        for (const branch of this.branches.values()) branch.refresh.cancel();
    }

    /// Shows where `path` is: its ancestors are opened, it is marked and scrolled to.
    async select(path) {
        this.selected = path;
        this.focused = path;
        this.#draw();
        const names = path.split('/').filter(Boolean);
        let at = '/';
        for (const name of names) {
            const branch = this.#branch(at);
            branch.open = true;
            if (!branch.items) await this.#load(at);
            if (this.selected !== path) return; // the user went on meanwhile
            at = childOf(at, name);
            const known = (item) => item.path === at;
            if (branch.items && !branch.items.some(known) && !branch.far.some(known)) await this.#readFar(branch, at);
        }
        if (names.length === 0 && !this.#branch('/').items) await this.#load('/');
        this.focused = path;
        this.#draw();
        this.rows.get(path)?.scrollIntoView({ block: 'nearest' });
    }

    focus() {
        (this.rows.get(this.focused) ?? this.element.querySelector('[role=treeitem]'))?.focus();
    }

    /// After a write of ours, when no event need be waited for.
    refresh(path) {
        if (this.branches.get(path)?.items) this.#reload(path);
    }

    #branch(path) {
        if (!this.branches.has(path)) {
            this.branches.set(path, {
                path,
                items: null,
                far: [], // children that are shown although their page is not loaded
                total: 0,
                next: null,
                open: false,
                loading: null,
                error: null,
                refresh: throttled(REFRESH_MS, () => this.#reload(path)),
            });
        }
        return this.branches.get(path);
    }

    /// One that is on its way is waited for.
    #load(path, more = false) {
        const branch = this.#branch(path);
        branch.loading ??= this.#fetch(branch, more).finally(() => {
            branch.loading = null;
            this.#draw();
        });
        this.#draw();
        return branch.loading;
    }

    async #fetch(branch, more) {
        branch.error = null;
        try {
            const cursor = more ? branch.next : undefined;
            const { children } = await get(treeAddress(branch.path), { limit: PAGE, cursor, data_max: 0 });
            const before = more ? branch.items : [];
            const known = new Set(before.map((item) => item.path));
            this.#keep(branch, [...before, ...children.items.filter((item) => !known.has(item.path))]);
            branch.total = children.total;
            branch.next = children.next;
        } catch (error) {
            branch.error = error;
        }
    }

    #keep(branch, items) {
        const paths = new Set(items.map((item) => item.path));
        branch.items = items;
        branch.far = branch.far.filter((item) => !paths.has(item.path));
    }

    /// What is loaded, again; as much as before, as far as one call gives it. Rows that are new or changed light up.
    async #reload(path) {
        const branch = this.branches.get(path);
        if (!branch?.items || branch.loading || !this.element.isConnected) return;
        const before = new Map(branch.items.map((item) => [item.path, item]));
        const size = Math.min(PAGE_MAX, Math.max(PAGE, branch.items.length));
        try {
            const { children } = await get(treeAddress(path), { limit: size, data_max: 0 });
            const fresh = new Set(children.items.map((item) => item.path));
            const beyond =
                children.next && branch.items.length > PAGE_MAX
                    ? branch.items.filter((item) => !fresh.has(item.path))
                    : [];
            this.#keep(branch, [...children.items, ...beyond]);
            for (const item of [...branch.far]) await this.#readFar(branch, item.path);
            branch.total = children.total;
            branch.next = beyond.length ? branch.next : children.next;
            branch.error = null;
        } catch (error) {
            if (error.code === 'NoNode') this.#forget(path);
            else branch.error = error;
        }
        this.#draw();
        for (const item of branch.items) {
            const old = before.get(item.path);
            if (!old || old.version !== item.version || old.num_children !== item.num_children) {
                if (this.rows.has(item.path)) flash(this.rows.get(item.path));
            }
        }
    }

    async #readFar(branch, path) {
        try {
            const { name, kind, session, stat } = await get(treeAddress(path), { limit: 1, data_max: 0 });
            const { num_children, data_length, version } = stat;
            const item = { name, path, kind, session, num_children, data_length, version };
            branch.far = [...branch.far.filter((one) => one.path !== path), item];
        } catch {
            // It is not there, or may not be read: the panel beside the tree says so.
        }
    }

    #forget(path) {
        for (const known of [...this.branches.keys()]) {
            if (known === path || known.startsWith(`${path}/`)) {
                this.branches.get(known).refresh.cancel();
                this.branches.delete(known);
            }
        }
        for (const known of [...this.rows.keys()]) {
            if (known === path || known.startsWith(`${path}/`)) this.rows.delete(known);
        }
    }

    #event({ path, type }) {
        if (type === 'deleted') {
            const parent = this.branches.get(parentOf(path));
            if (parent?.items) {
                this.#keep(
                    parent,
                    parent.items.filter((item) => item.path !== path),
                );
                parent.far = parent.far.filter((item) => item.path !== path);
            }
            this.#forget(path);
            this.#draw();
        }
        const own = type === 'children' || type === 'resync';
        this.branches.get(own ? path : parentOf(path))?.refresh();
        if (type === 'children' && path !== '/') this.branches.get(parentOf(path))?.refresh();
    }

    #visible() {
        const rows = [];
        const add = (item, level, position, of) => {
            rows.push({ item, level, position, of });
            const branch = this.branches.get(item.path);
            if (!branch?.open) return;
            const items = branch.items ?? [];
            items.forEach((child, i) => add(child, level + 1, i + 1, branch.total));
            if (branch.error) rows.push({ branch, level: level + 1, error: branch.error });
            else if (branch.loading && !branch.items) rows.push({ branch, level: level + 1, waits: true });
            else if (branch.next) rows.push({ branch, level: level + 1, more: true });
            for (const child of branch.far) add(child, level + 1, branch.total, branch.total);
        };
        add(this.root, 1, 1, 1);
        return rows;
    }

    #draw() {
        const rows = this.#visible();
        if (!rows.some((row) => row.item?.path === this.focused)) this.focused = this.#nearest(rows);
        const held = this.element.contains(document.activeElement) ? document.activeElement : null;
        const elements = rows.map((row) => (row.item ? this.#row(row) : this.#special(row)));
        const before = this.element.children;
        if (elements.length !== before.length || elements.some((element, i) => element !== before[i])) {
            this.element.replaceChildren(...elements);
        }
        if (held && document.activeElement !== held) this.rows.get(this.focused)?.focus();
        const open = rows
            .filter((row) => row.item && this.branches.get(row.item.path)?.open)
            .map((row) => row.item.path);
        live.follow('tree', open.slice(0, FOLLOWED_MAX), (event) => this.#event(event));
    }

    #nearest(rows) {
        let path = this.focused;
        while (path !== '/' && !rows.some((row) => row.item?.path === path)) path = parentOf(path);
        return path;
    }

    #row({ item, level, position, of }) {
        let row = this.rows.get(item.path);
        const branch = this.branches.get(item.path);
        const has_children = item.num_children > 0 || branch?.items?.length > 0 || branch?.far.length > 0;
        const open = Boolean(branch?.open) && has_children;
        const state = JSON.stringify([item, level, open, has_children, position, of]);
        if (!row) {
            row = h('div.row', {
                role: 'treeitem',
                data: { path: item.path },
                on: {
                    click: (event) => this.#click(event, item.path),
                    focus: () => {
                        this.focused = item.path;
                    },
                },
            });
            this.rows.set(item.path, row);
        }
        row.tabIndex = item.path === this.focused ? 0 : -1;
        row.setAttribute('aria-selected', item.path === this.selected);
        if (row.dataset.state === state) return row;
        row.dataset.state = state;
        row.style.setProperty('--level', level - 1);
        row.setAttribute('aria-label', `${item.name}, ${item.kind}, ${count(item.num_children)} children`);
        for (const [name, value] of [
            ['level', level],
            ['posinset', position],
            ['setsize', of],
        ])
            row.setAttribute(`aria-${name}`, value);
        if (has_children) row.setAttribute('aria-expanded', open);
        else row.removeAttribute('aria-expanded');
        row.replaceChildren(
            h('span.twisty', { class: has_children ? '' : 'leaf' }, has_children ? icon('chevron') : null),
            h('span.kind', { class: item.kind, title: item.kind }),
            h('span.name', item.name),
            h(
                'span.meta',
                { title: `${count(item.num_children)} children, ${count(item.data_length)} bytes of data` },
                item.path === '/'
                    ? ''
                    : [
                          has_children ? h('span.children', count(item.num_children)) : null,
                          item.data_length ? h('span.size', bytes(item.data_length)) : null,
                      ],
            ),
        );
        return row;
    }

    #special({ branch, level, error, more, waits }) {
        const load = () => this.#load(branch.path, Boolean(more));
        const row = waits
            ? h('div.row.quiet', h('span.twisty'), 'Loading')
            : h(
                  'div.row',
                  h('span.twisty'),
                  h(
                      'button.link',
                      { type: 'button', on: { click: load } },
                      error
                          ? `${error.message}. Try again`
                          : branch.loading
                            ? 'Loading'
                            : `Show more: ${count(branch.items.length)} of ${count(branch.total)}`,
                  ),
              );
        row.setAttribute('role', 'none');
        row.style.setProperty('--level', level - 1);
        return row;
    }

    #click(event, path) {
        if (event.target.closest('.twisty') && this.rows.get(path).hasAttribute('aria-expanded')) this.#toggle(path);
        else this.choose(path);
    }

    #toggle(path, open = !this.#branch(path).open) {
        const branch = this.#branch(path);
        branch.open = open;
        if (open && !branch.items) this.#load(path);
        else this.#draw();
    }

    #key(event) {
        const row = event.target.closest('[role=treeitem]');
        if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
        const path = row.dataset.path;
        const items = this.#visible()
            .filter((one) => one.item)
            .map((one) => one.item.path);
        const at = items.indexOf(path);
        const to = (index) => {
            this.focused = items[Math.max(0, Math.min(items.length - 1, index))];
            this.#draw();
            this.rows.get(this.focused)?.focus();
        };
        const can_open = row.hasAttribute('aria-expanded');
        const open = row.getAttribute('aria-expanded') === 'true';
        const act = {
            ArrowDown: () => to(at + 1),
            ArrowUp: () => to(at - 1),
            Home: () => to(0),
            End: () => to(items.length - 1),
            ArrowRight: () => (can_open && !open ? this.#toggle(path, true) : open && to(at + 1)),
            ArrowLeft: () => (open ? this.#toggle(path, false) : path !== '/' && to(items.indexOf(parentOf(path)))),
            Enter: () => this.choose(path),
            ' ': () => this.choose(path),
        }[event.key];
        if (!act) return;
        event.preventDefault();
        act();
    }
}

/// A path whose parts lead to the nodes above.
export function pathLinks(path) {
    const parts = [h('a', { href: nodeLink('/') }, '/')];
    let at = '';
    const names = path.split('/').filter(Boolean);
    names.forEach((name, i) => {
        at += `/${name}`;
        if (i > 0) parts.push(h('span.slash', '/'));
        parts.push(i === names.length - 1 ? h('span.here', name) : h('a', { href: nodeLink(at) }, name));
    });
    return h('span.path', { title: path }, parts);
}
