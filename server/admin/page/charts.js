// Load: the last hour second by second, where requests spend their time, which nodes are busiest.

import { get } from './api.js';
import { Chart } from './chart.js';
import { empty, errorBox, h, loading, panel } from './dom.js';
import { bytes, clock, count, figure, nodeLink } from './format.js';
import { poll } from './poll.js';
import { Table } from './table.js';

const RANGES = [
    [300, '5 min'],
    [900, '15 min'],
    [3600, '1 h'],
];
const SECONDS_SHOWN_MIN = 60;
const CHARTS = [
    {
        title: 'Operations',
        unit: '/s',
        lines: [
            ['ops', 'all'],
            ['reads', 'reads'],
        ],
    },
    {
        title: 'Latency',
        unit: 'ms',
        lines: [
            ['latency_avg_ms', 'avg'],
            ['latency_max_ms', 'max'],
        ],
    },
    {
        title: 'Sync to disk',
        unit: 'µs',
        lines: [
            ['sync_avg_us', 'avg'],
            ['sync_max_us', 'max'],
        ],
    },
    { title: 'Queued requests', unit: '', lines: [['outstanding', 'queued']] },
    {
        title: 'Clients',
        unit: '',
        lines: [
            ['connections', 'connections'],
            ['sessions', 'sessions'],
        ],
    },
    { title: 'Transactions', unit: '/s', lines: [['zxid_rate', 'committed']] },
    { title: 'Nodes', unit: '', lines: [['nodes', 'nodes']], from_zero: false },
    { title: 'Watches', unit: '', lines: [['watches', 'watches']] },
];

export function open(shell, route) {
    const seconds = RANGES.some(([range]) => String(range) === route.query.get('seconds'))
        ? Number(route.query.get('seconds'))
        : 900;
    const by = ['reads', 'writes', 'bytes'].includes(route.query.get('by')) ? route.query.get('by') : 'writes';
    const go = (change) => {
        location.hash = `#/charts?${new URLSearchParams({ seconds, by, ...change })}`;
    };
    const trouble = h('div');
    const grid = h('div.charts', loading('Reading the last hour'));
    const readout = h('span.readout', { 'aria-live': 'off' });
    const all = CHARTS.map((chart) => new Chart(chart, point));
    function point(share) {
        const at = all.map((chart) => chart.point(share)).find((ms) => ms !== null);
        readout.textContent = at ? clock(at) : '';
    }
    const stages = h('div', loading());
    const top = h('div', loading());
    const stage_table = stageTable();
    const top_table = topTable();
    const segments = (label, options, value, choose) =>
        h(
            'div.segments',
            { role: 'group', 'aria-label': label },
            options.map(([name, title]) =>
                h(
                    'button',
                    { type: 'button', 'aria-pressed': String(name === value), on: { click: () => choose(name) } },
                    title,
                ),
            ),
        );
    shell.setAddress('/api/v1/history', { seconds });
    shell.view.replaceChildren(
        h(
            'div.page',
            h(
                'div.page-head',
                h('h1', 'Load'),
                segments('Range', RANGES, seconds, (range) => go({ seconds: range })),
                readout,
            ),
            trouble,
            grid,
            h(
                'div.columns-even',
                panel('Where requests spend their time', null, stages),
                panel(
                    'Busiest nodes',
                    segments(
                        'By',
                        [
                            ['reads', 'reads'],
                            ['writes', 'writes'],
                            ['bytes', 'bytes'],
                        ],
                        by,
                        (one) => go({ by: one }),
                    ),
                    top,
                ),
            ),
        ),
    );
    let history = null;
    const reading = poll(2000, async (signal) => {
        try {
            // What is missing since the last one, which may be long ago: a tab that nobody looks at does not ask.
            const missing = history ? Math.ceil((Date.now() - history.until) / 1000) + 10 : seconds;
            const answer = await get('/api/v1/history', { seconds: Math.max(20, Math.min(seconds, missing)) }, signal);
            history = merged(history, answer, seconds);
            if (!grid.contains(all[0].element)) grid.replaceChildren(...all.map((chart) => chart.element));
            all.forEach((chart) => chart.update(history));
            trouble.replaceChildren();
        } catch (error) {
            if (!signal.aborted) trouble.replaceChildren(errorBox(error, () => reading.now()));
        }
    });
    const tables = poll(3000, async (signal) => {
        await Promise.all([
            get('/api/v1/stages', {}, signal).then(
                (answer) => {
                    stage_table.update(answer.stages);
                    stages.replaceChildren(answer.stages.length ? stage_table.element : empty('No requests yet'));
                },
                (error) => signal.aborted || stages.replaceChildren(errorBox(error)),
            ),
            get('/api/v1/top', { by, limit: 15 }, signal).then(
                (answer) => {
                    top_table.update(answer.paths);
                    top.replaceChildren(answer.paths.length ? top_table.element : empty('No requests yet'));
                },
                (error) => signal.aborted || top.replaceChildren(errorBox(error)),
            ),
        ]);
    });
    return {
        close() {
            reading.stop();
            tables.stop();
        },
    };
}

/// What is known with what came since: {columns, points: [{at, row}]}, no older than asked for.
function merged(known, answer, seconds) {
    const fresh = answer.rows.map((row, i) => ({ at: answer.from_ms + i * answer.interval_ms, row }));
    const from = fresh.length ? fresh[0].at : Infinity;
    const old = known ? known.points.filter((point) => point.at < from - answer.interval_ms / 2) : [];
    const points = [...old, ...fresh];
    const last = points.at(-1)?.at ?? Date.now();
    const recent = points.filter((point) => point.at > last - seconds * 1000);
    const begun = recent.find((point) => point.row.some((value) => value !== null))?.at ?? last;
    const shown = Math.min(seconds, Math.max(SECONDS_SHOWN_MIN, (last - begun) / 1000)); // less of a young server
    return { columns: answer.columns, points: recent, until: last, seconds: shown };
}

function stageTable() {
    return new Table(
        [
            { title: 'Stage', wide: true, cell: (row) => row.stage },
            { title: 'Requests', right: true, cell: (row) => count(row.count) },
            { title: 'p50', right: true, cell: (row) => `${figure(row.p50_us)} µs` },
            { title: 'p99', right: true, cell: (row) => `${figure(row.p99_us)} µs` },
            { title: 'max', right: true, cell: (row) => `${figure(row.max_us)} µs` },
        ],
        { key: (row) => row.stage, label: 'Stages' },
    );
}

function topTable() {
    return new Table(
        [
            { title: 'Path', wide: true, cell: (row) => h('a.name', { href: nodeLink(row.path) }, row.path) },
            { title: 'Reads', right: true, cell: (row) => count(row.reads) },
            { title: 'Writes', right: true, cell: (row) => count(row.writes) },
            { title: 'Bytes', right: true, cell: (row) => bytes(row.bytes) },
        ],
        { key: (row) => row.path, label: 'Busiest nodes' },
    );
}
