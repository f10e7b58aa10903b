// A table that is brought up to date in place: rows are known by their key, so that focus, selection and scrolling
// stay.

import { h } from './dom.js';

/// columns: {title, cell(row) -> node or text, by?(row) -> what to sort by, right?: figures, wide?: takes what is left}
export class Table {
    constructor(columns, { key, label, order = null }) {
        this.columns = columns;
        this.key = key;
        this.order = order; // {column, down} or null: as given
        this.rows = [];
        this.known = new Map(); // key -> {signature, element}
        this.body = h('tbody');
        this.head = h('tr');
        this.element = h('div.table-box', h('table', { 'aria-label': label }, h('thead', this.head), this.body));
        this.#drawHead();
    }

    update(rows) {
        this.rows = rows;
        const shown = this.#ordered();
        const kept = new Map();
        for (const row of shown) {
            const key = this.key(row);
            const signature = JSON.stringify(row);
            const before = this.known.get(key);
            kept.set(
                key,
                before?.signature === signature ? before : { signature, element: this.#draw(row, before?.element) },
            );
        }
        this.known = kept;
        const elements = [...kept.values()].map((one) => one.element);
        const same =
            elements.length === this.body.children.length && elements.every((one, i) => one === this.body.children[i]);
        if (!same) this.body.replaceChildren(...elements);
    }

    #draw(row, element = h('tr')) {
        element.replaceChildren(
            ...this.columns.map((column) => {
                const cell = h('td', { class: column.right ? 'right' : column.wide ? 'wide' : '' });
                cell.append(column.cell(row) ?? '–');
                return cell;
            }),
        );
        return element;
    }

    #ordered() {
        const by = this.order && this.columns[this.order.column].by;
        if (!by) return this.rows;
        const sign = this.order.down ? -1 : 1;
        const compare = (a, b) =>
            a === b
                ? 0
                : a === null || a === undefined
                  ? 1
                  : b === null || b === undefined
                    ? -1
                    : sign * (a < b ? -1 : 1);
        return [...this.rows].sort((a, b) => compare(by(a), by(b)));
    }

    #drawHead() {
        this.head.replaceChildren(
            ...this.columns.map((column, index) => {
                const kind = column.right ? 'right' : column.wide ? 'wide' : '';
                if (!column.by) return h('th', { class: kind, scope: 'col' }, column.title);
                const mine = this.order?.column === index;
                const sort = mine ? (this.order.down ? 'descending' : 'ascending') : 'none';
                return h(
                    'th',
                    { class: kind, scope: 'col', 'aria-sort': sort },
                    h('button.sort', { type: 'button', on: { click: () => this.#orderBy(index) } }, column.title),
                );
            }),
        );
    }

    #orderBy(column) {
        const again = this.order?.column === column;
        this.order = { column, down: again ? !this.order.down : Boolean(this.columns[column].right) };
        this.#drawHead();
        this.update(this.rows);
    }
}
