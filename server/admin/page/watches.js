// Watches set at this server, by path or by session.

import { badge, empty, h } from './dom.js';
import { count, nodeLink, sessionLink } from './format.js';
import { Paged } from './paged.js';
import { Table } from './table.js';

export function open(shell, route) {
    const by = route.query.get('by') === 'session' ? 'session' : 'path';
    const below = route.query.get('below') || '/';
    const kinds = (list) => list.map((kind) => badge(kind));
    const by_path = [
        { title: 'Path', by: (row) => row.path, cell: (row) => h('a.name', { href: nodeLink(row.path) }, row.path) },
        { title: 'Watchers', right: true, by: (row) => row.watchers.length, cell: (row) => count(row.watchers.length) },
        {
            title: 'Who',
            wide: true,
            cell: (row) =>
                h(
                    'span.flow',
                    row.watchers
                        .slice(0, 20)
                        .map((one) =>
                            h(
                                'span',
                                h('a.mono', { href: sessionLink(one.session) }, one.session),
                                ' ',
                                kinds(one.kinds),
                            ),
                        ),
                ),
        },
    ];
    const by_session = [
        {
            title: 'Session',
            by: (row) => row.session,
            cell: (row) => h('a.mono', { href: sessionLink(row.session) }, row.session),
        },
        { title: 'Watches', right: true, by: (row) => row.watches.length, cell: (row) => count(row.watches.length) },
        {
            title: 'What',
            wide: true,
            cell: (row) =>
                h(
                    'span.flow',
                    row.watches
                        .slice(0, 20)
                        .map((one) =>
                            h('span', h('a.name', { href: nodeLink(one.path) }, one.path), ' ', kinds(one.kinds)),
                        ),
                ),
        },
    ];
    const table = new Table(by === 'path' ? by_path : by_session, {
        key: (row) => row.path ?? row.session,
        label: 'Watches',
    });
    const nothing = h('div');
    const total = h('span.quiet');
    const what = by === 'path' ? 'watched paths' : 'watching sessions';
    const go = (change) => {
        location.hash = `#/watches?${new URLSearchParams({ by, below, ...change })}`;
    };
    const field = h('input', { type: 'text', value: below, 'aria-label': 'Below', spellcheck: 'false' });
    const list = new Paged({
        path: '/api/v1/watches',
        parameters: () => ({ by, below: below === '/' ? undefined : below }),
        items: (answer) => answer.paths ?? answer.sessions,
        draw: (items, answer) => {
            const so_far = answer.complete === false ? ' found so far' : '';
            total.textContent = `${count(answer.total)} ${what}${so_far}, at this server`;
            table.update(items);
            table.element.hidden = items.length === 0;
            nothing.replaceChildren(
                items.length
                    ? ''
                    : empty('No watches here', 'Each server knows the watches of the clients connected to it.'),
            );
        },
    });
    shell.setAddress('/api/v1/watches', { by, below: below === '/' ? undefined : below });
    shell.view.replaceChildren(
        h(
            'div.page',
            h(
                'div.page-head',
                h('h1', 'Watches'),
                h(
                    'div.segments',
                    { role: 'group', 'aria-label': 'Grouped by' },
                    ['path', 'session'].map((one) =>
                        h(
                            'button',
                            {
                                type: 'button',
                                'aria-pressed': String(one === by),
                                on: { click: () => go({ by: one }) },
                            },
                            `by ${one}`,
                        ),
                    ),
                ),
                total,
                h('span.grow'),
                h(
                    'form.inline',
                    {
                        on: {
                            submit: (event) => {
                                event.preventDefault();
                                go({ below: field.value || '/' });
                            },
                        },
                    },
                    h('label', 'below ', field),
                ),
            ),
            table.element,
            nothing,
            list.status,
        ),
    );
    return { close: () => list.stop() };
}
