// All sessions, and the connections of this server.

import { empty, h } from './dom.js';
import { count, duration, sessionLink } from './format.js';
import { Paged } from './paged.js';
import { Table } from './table.js';

const COLUMNS = [
    { title: 'Session', by: (row) => row.id, cell: (row) => h('a.mono', { href: sessionLink(row.id) }, row.id) },
    { title: 'Connected', by: (row) => row.address, cell: (row) => where(row) },
    { title: 'Timeout', right: true, by: (row) => row.timeout_ms, cell: (row) => duration(row.timeout_ms) },
    { title: 'Since', right: true, by: (row) => row.established_ms, cell: (row) => since(row) },
    {
        title: 'Last heard',
        right: true,
        by: (row) => row.last_activity_ms,
        cell: (row) => (row.last_activity_ms === null ? '–' : duration(row.last_activity_ms)),
    },
    { title: 'Last zxid', cell: (row) => h('code', row.last_zxid ?? '–') },
    { title: 'Ephemerals', right: true, by: (row) => row.ephemerals, cell: (row) => count(row.ephemerals) },
    { title: 'Watches', right: true, by: (row) => row.watches, cell: (row) => count(row.watches) },
    { title: 'Received', right: true, by: (row) => row.received, cell: (row) => count(row.received) },
    { title: 'Sent', right: true, by: (row) => row.sent, cell: (row) => count(row.sent) },
    { title: 'Queued', right: true, by: (row) => row.outstanding, cell: (row) => count(row.outstanding) },
];

export const where = (row) =>
    row.connected
        ? h('span.mono', row.address ?? 'here')
        : h('span.quiet', { title: 'Its client is connected to another server, or to none at the moment' }, 'not here');
export const since = (row) => (row.established_ms === null ? '–' : duration(Date.now() - row.established_ms));

export function open(shell) {
    const table = new Table(COLUMNS, { key: (row) => row.id, label: 'Sessions' });
    const total = h('span.quiet');
    const filter = h('input', {
        type: 'search',
        placeholder: 'Filter what is shown: id or address',
        'aria-label': 'Filter',
        spellcheck: 'false',
        on: { input: () => draw() },
    });
    let rows = [];
    const nothing = h('div');
    const draw = () => {
        const wanted = filter.value.trim().toLowerCase();
        const shown = rows.filter((row) => row.id.includes(wanted) || row.address?.includes(wanted));
        table.update(shown);
        table.element.hidden = shown.length === 0;
        nothing.replaceChildren(
            shown.length
                ? ''
                : rows.length
                  ? empty('No session matches the filter')
                  : empty('No sessions', 'A client that connects appears here at once.'),
        );
    };
    const list = new Paged({
        path: '/api/v1/sessions',
        items: (answer) => answer.sessions,
        draw: (items, answer) => {
            rows = items;
            const here = items.filter((row) => row.connected).length;
            total.textContent = `${count(answer.total)} in the ensemble, ${count(here)} of those shown connected here`;
            draw();
        },
    });
    shell.setAddress('/api/v1/sessions');
    shell.view.replaceChildren(
        h(
            'div.page',
            h('div.page-head', h('h1', 'Sessions'), total, h('span.grow'), filter),
            table.element,
            nothing,
            list.status,
        ),
    );
    return { close: () => list.stop() };
}
