// Searching the tree by name or path: a part of it, a glob, or a regular expression.

import { get } from './api.js';
import { empty, errorBox, h, loading } from './dom.js';
import { bytes, count, nodeLink, parentOf, sessionLink, time, treeAddress } from './format.js';
import { Table } from './table.js';

const PAGE = 100;
const MATCHES = [
    ['substring', 'a part'],
    ['glob', 'glob: * ?'],
    ['regex', 'regular expression'],
];
const PLACES = [
    ['name', 'in names'],
    ['path', 'in paths'],
];

export function open(shell, route) {
    const wanted = {
        q: route.query.get('q') ?? '',
        below: route.query.get('below') || '/',
        match: route.query.get('match') || 'substring',
        in: route.query.get('in') || 'name',
    };
    const field = h('input', {
        type: 'search',
        value: wanted.q,
        'aria-label': 'What to look for',
        spellcheck: 'false',
        autocomplete: 'off',
    });
    const below = h('input', { type: 'text', value: wanted.below, 'aria-label': 'Below', spellcheck: 'false' });
    const choice = (label, options, value) =>
        h(
            'select',
            { 'aria-label': label, on: { change: () => go() } },
            options.map(([name, title]) => h('option', { value: name, selected: name === value }, title)),
        );
    const match = choice('Match', MATCHES, wanted.match);
    const place = choice('Where', PLACES, wanted.in);
    const go = () => {
        const query = { q: field.value, below: below.value || '/', match: match.value, in: place.value };
        location.hash = `#/search?${new URLSearchParams(query)}`;
    };
    const result = h('div');
    const status = h('div.status');
    shell.view.replaceChildren(
        h(
            'div.page',
            h('div.page-head', h('h1', 'Search')),
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
                field,
                match,
                place,
                h('label', 'below ', below),
                h('button.primary', { type: 'submit' }, 'Search'),
            ),
            result,
            status,
        ),
    );
    const abort = new AbortController();
    const parameters = { search: wanted.q, match: wanted.match, in: wanted.in, limit: PAGE };
    shell.setAddress(treeAddress(wanted.below), wanted.q ? parameters : {});
    let found = [];
    let scanned = 0;
    async function look(cursor = null) {
        status.replaceChildren(
            loading('Searching'),
            h('span.quiet', scanned ? `${count(scanned)} nodes looked at` : ''),
        );
        try {
            const answer = await get(treeAddress(wanted.below), { ...parameters, cursor }, abort.signal);
            found = [...found, ...answer.matches];
            scanned += answer.scanned;
            draw(answer.next);
        } catch (error) {
            if (!abort.signal.aborted) status.replaceChildren(errorBox(error, () => look(cursor)));
        }
    }

    const table = new Table(
        [
            {
                title: 'Node',
                wide: true,
                by: (row) => row.path,
                cell: (row) =>
                    h(
                        'span',
                        h('span.kind', { class: row.kind, title: row.kind }),
                        ' ',
                        h(
                            'a.name',
                            { href: nodeLink(row.path) },
                            h('span.quiet', parentOf(row.path) === '/' ? '/' : `${parentOf(row.path)}/`),
                            marked(row.name, wanted),
                        ),
                    ),
            },
            { title: 'Children', right: true, by: (row) => row.num_children, cell: (row) => count(row.num_children) },
            { title: 'Data', right: true, by: (row) => row.data_length, cell: (row) => bytes(row.data_length) },
            {
                title: 'Owner',
                cell: (row) => (row.session ? h('a.mono', { href: sessionLink(row.session) }, row.session) : ''),
            },
            { title: 'Modified', right: true, by: (row) => row.mtime_ms, cell: (row) => time(row.mtime_ms) },
        ],
        { key: (row) => row.path, label: 'Found' },
    );

    function draw(next) {
        table.update(found);
        const words = `${count(found.length)} found, ${count(scanned)} nodes looked at`;
        result.replaceChildren(
            found.length ? table.element : next ? '' : empty('Nothing found', `${words} below ${wanted.below}.`),
        );
        status.replaceChildren(
            h('span.quiet', found.length || next ? words : ''),
            next ? h('button', { type: 'button', on: { click: () => look(next) } }, 'Go on') : '',
        );
    }
    if (wanted.q) {
        look();
    } else {
        result.replaceChildren(
            empty(
                'Look for nodes by name or path',
                'Upper and lower case are the same. Every search has an address that you can keep.',
            ),
        );
        field.focus();
    }
    return { close: () => abort.abort() };
}

/// The name with what matched marked, where that is plain to see.
function marked(name, { q, match }) {
    const at = match === 'substring' ? name.toLowerCase().indexOf(q.toLowerCase()) : -1;
    if (at < 0) return name;
    return [name.slice(0, at), h('mark', name.slice(at, at + q.length)), name.slice(at + q.length)];
}
