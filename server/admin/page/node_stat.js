// A node's stat and its children, for reading.

import { flash, h } from './dom.js';
import { ago, bytes, count, nodeLink, sessionLink, shortTime, time, zxidWords } from './format.js';

/// Fills the list; what has changed since it was last filled lights up, if it was of the same node.
export function fillStat(list, { stat, session }, same_node) {
    const rows = [
        ['version', count(stat.version), 'Changes of the data'],
        ['cversion', count(stat.cversion), 'Changes of the children'],
        ['aversion', count(stat.aversion), 'Changes of the ACL'],
        ['data', bytes(stat.data_length), `${count(stat.data_length)} bytes`],
        ['children', count(stat.num_children), ''],
        [
            'owner',
            session ? h('a.mono', { href: sessionLink(session) }, session) : 'none',
            'The session of an ephemeral node',
        ],
        ['created', when(stat.ctime_ms), ''],
        ['modified', when(stat.mtime_ms), ''],
        ['czxid', zxid(stat.czxid), 'The transaction that created it'],
        ['mzxid', zxid(stat.mzxid), 'The last that changed its data'],
        ['pzxid', zxid(stat.pzxid), 'The last that changed its children'],
    ];
    const old = new Map(
        [...list.children].filter((one) => one.tagName === 'DD').map((one) => [one.dataset.of, one.dataset.is]),
    );
    list.replaceChildren(
        ...rows.flatMap(([name, value, title]) => {
            const cell = h('dd', { data: { of: name } }, value);
            cell.dataset.is = value instanceof Node && value.dataset.is ? value.dataset.is : cell.textContent;
            if (same_node && old.get(name) !== cell.dataset.is) flash(cell);
            return [h('dt', { title }, name), cell];
        }),
    );
}

function when(ms) {
    return h(
        'span',
        { data: { is: String(ms) }, title: `${ms} ms since 1970` },
        time(ms, true),
        ms ? h('span.quiet.small', ago(ms)) : '',
    );
}

function zxid(hex) {
    return h(
        'span',
        { data: { is: hex }, title: zxidWords(hex) },
        h('code', hex ?? '–'),
        hex ? h('span.quiet.small', zxidWords(hex)) : '',
    );
}

/// Of the table of a node's children.
export function childColumns() {
    return [
        {
            title: 'Name',
            wide: true,
            by: (row) => row.name,
            cell: (row) => h('span', kindMark(row), ' ', h('a.name', { href: nodeLink(row.path) }, row.name)),
        },
        { title: 'Children', right: true, by: (row) => row.num_children, cell: (row) => count(row.num_children) },
        { title: 'Data', right: true, by: (row) => row.data_length, cell: (row) => bytes(row.data_length) },
        { title: 'Version', right: true, by: (row) => row.version, cell: (row) => count(row.version) },
        {
            title: 'Modified',
            right: true,
            by: (row) => row.mtime_ms,
            cell: (row) => h('span', { title: time(row.mtime_ms, true) }, shortTime(row.mtime_ms)),
        },
    ];
}

/// The mark of an ephemeral node leads to its session.
function kindMark({ kind, session }) {
    if (!session) return h('span.kind', { class: kind, title: kind });
    const title = `${kind}, of session ${session}`;
    return h('a.kind', { class: kind, href: sessionLink(session), title, 'aria-label': title });
}
