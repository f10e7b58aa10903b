// The audit log: who did what, newest first, searched by the server.

import { get } from './api.js';
import { badge, empty, errorBox, h, loading } from './dom.js';
import { nodeLink, sessionLink, time } from './format.js';
import { Table } from './table.js';

const FIELDS = [
    ['user', 'User'],
    ['session', 'Session'],
    ['path', 'Path begins with'],
    ['operation', 'Operation'],
    ['result', 'Result'],
];
const SINCE = [
    ['', 'any time'],
    ['900000', 'last 15 min'],
    ['3600000', 'last hour'],
    ['86400000', 'last day'],
    ['604800000', 'last week'],
];

export function open(shell, route) {
    const inputs = FIELDS.map(([name, title]) =>
        h('input', {
            type: 'text',
            name,
            value: route.query.get(name) ?? '',
            placeholder: title,
            'aria-label': title,
            spellcheck: 'false',
        }),
    );
    const since = h(
        'select',
        { name: 'since', 'aria-label': 'Since' },
        SINCE.map(([ms, title]) =>
            h('option', { value: ms, selected: ms === (route.query.get('since') ?? '') }, title),
        ),
    );
    const go = () => {
        const query = new URLSearchParams(
            [...inputs, since].filter((one) => one.value.trim()).map((one) => [one.name, one.value.trim()]),
        );
        location.hash = `#/audit${query.size ? `?${query}` : ''}`;
    };
    since.addEventListener('change', go);
    const result = h('div');
    const status = h('div.status');
    const back = Number(route.query.get('since'));
    const parameters = {
        ...Object.fromEntries(inputs.map((one) => [one.name, one.value])),
        since_ms: back ? Date.now() - back : undefined,
    };
    shell.setAddress('/api/v1/audit', parameters);
    shell.view.replaceChildren(
        h(
            'div.page',
            h('div.page-head', h('h1', 'Audit')),
            h(
                'form.search-form',
                {
                    on: {
                        submit: (event) => {
                            event.preventDefault();
                            go();
                        },
                    },
                },
                inputs,
                since,
                h('button.primary', { type: 'submit' }, 'Search'),
            ),
            result,
            status,
        ),
    );
    const abort = new AbortController();
    const table = new Table(COLUMNS, { key: (row) => row.key, label: 'Audit records' });
    let records = [];
    const look = async (cursor) => {
        status.replaceChildren(loading('Searching the audit log'));
        try {
            const answer = await get('/api/v1/audit', { ...parameters, limit: 100, cursor }, abort.signal);
            records = [...records, ...answer.records.map((record, i) => ({ ...record, key: records.length + i }))];
            table.update(records);
            result.replaceChildren(
                records.length
                    ? table.element
                    : answer.enabled
                      ? empty(
                            'No records',
                            "Nothing in this server's log matches. Each server writes what its own clients do.",
                        )
                      : empty(
                            'The audit log is off',
                            'audit.enable=true in zoo.cfg turns it on; records appear from the next start on.',
                        ),
            );
            status.replaceChildren(
                answer.next
                    ? h('button.link', { type: 'button', on: { click: () => look(answer.next) } }, 'Show older')
                    : '',
            );
        } catch (error) {
            if (!abort.signal.aborted) status.replaceChildren(errorBox(error, () => look(cursor)));
        }
    };
    look();
    return { close: () => abort.abort() };
}

const COLUMNS = [
    { title: 'When', cell: (row) => h('span', { title: row.time }, time(Date.parse(row.time), true)) },
    {
        title: 'User',
        cell: (row) => h('a', { href: `#/audit?${new URLSearchParams({ user: row.user ?? '' })}` }, row.user || '–'),
    },
    { title: 'Operation', cell: (row) => h('code', row.operation) },
    {
        title: 'Path',
        wide: true,
        cell: (row) => (row.path ? h('a.name', { href: nodeLink(row.path) }, row.path) : '–'),
    },
    {
        title: 'Result',
        cell: (row) => badge(row.result ?? '–', /^(success|ok)$/i.test(row.result ?? '') ? 'good' : 'bad'),
    },
    {
        title: 'Session',
        cell: (row) => (row.session ? h('a.mono', { href: sessionLink(row.session) }, row.session) : '–'),
    },
    { title: 'Address', cell: (row) => h('span.mono', row.address ?? '–') },
    { title: 'Zxid', cell: (row) => h('code', row.zxid ?? '–') },
];
