// What is in force and where it comes from; the log's level; what lies on disk.

import { get, put } from './api.js';
import { note } from './dialog.js';
import { badge, errorBox, h, loading, panel } from './dom.js';
import { bytes, count, duration, figure } from './format.js';
import { poll } from './poll.js';
import { Table } from './table.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

export function open(shell, route, who) {
    const settings = h('div', loading());
    const storage = h('div', loading());
    const level = h('div', loading());
    const abort = new AbortController();
    const show = async (element, read) => {
        try {
            element.replaceChildren(await read());
        } catch (error) {
            if (!abort.signal.aborted) element.replaceChildren(errorBox(error, () => show(element, read)));
        }
    };
    shell.setAddress('/api/v1/config');
    shell.view.replaceChildren(
        h(
            'div.page',
            h('div.page-head', h('h1', 'Settings')),
            h(
                'div.settings-columns',
                panel('Configuration', null, settings),
                h('div.stack', panel('Log level', null, level), panel('Storage', null, storage)),
            ),
        ),
    );
    show(settings, async () => configTable(await get('/api/v1/config', {}, abort.signal)));
    show(level, async () => levelChoice(await get('/api/v1/log-level', {}, abort.signal), who));
    const reading = poll(5000, () =>
        show(storage, async () => storageFacts(await get('/api/v1/storage', {}, abort.signal))),
    );
    return {
        close() {
            abort.abort();
            reading.stop();
        },
    };
}

function configTable({ file, settings }) {
    const table = new Table(
        [
            { title: 'Key', by: (row) => row.key, cell: (row) => h('code', row.key) },
            { title: 'Value', wide: true, cell: (row) => h('code', row.value) },
            {
                title: 'From',
                by: (row) => row.source,
                cell: (row) => badge(row.source, row.source === 'default' ? 'plain' : 'set'),
            },
        ],
        { key: (row) => row.key, label: 'Configuration' },
    );
    const filter = h('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter settings' });
    const own = h('input', { type: 'checkbox' });
    const draw = () =>
        table.update(
            settings.filter(
                (row) =>
                    `${row.key} ${row.value}`.toLowerCase().includes(filter.value.toLowerCase()) &&
                    (!own.checked || row.source !== 'default'),
            ),
        );
    filter.addEventListener('input', draw);
    own.addEventListener('change', draw);
    draw();
    return h(
        'div',
        h(
            'div.inline',
            filter,
            h('label.choice', own, 'without defaults'),
            h('span.grow'),
            h('code.quiet', file || 'no file'),
        ),
        table.element,
    );
}

function levelChoice({ level }, who) {
    if (!who.can_write) return h('p', h('code', level));
    const trouble = h('div');
    const choice = h(
        'select',
        { 'aria-label': 'Log level' },
        LEVELS.map((one) => h('option', { value: one, selected: one === level }, one)),
    );
    let now = level;
    choice.addEventListener('change', async () => {
        try {
            await put('/api/v1/log-level', { level: choice.value });
            now = choice.value;
            trouble.replaceChildren();
            note(`The log's level is ${now}`);
        } catch (error) {
            choice.value = now;
            trouble.replaceChildren(errorBox(error));
        }
    });
    return h('div.stack', choice, h('p.hint', 'Until the next start.'), trouble);
}

function storageFacts({ data_dir, log_dir, log, checkpoint, syncs, disk, memory }) {
    const fact = (name, ...value) => [h('dt', name), h('dd', ...value)];
    const used = disk.size_bytes ? 1 - disk.free_bytes / disk.size_bytes : 0;
    const meter = h('meter', { min: 0, max: 1, high: 0.8, optimum: 0, value: used, 'aria-label': 'Disk used' });
    return h(
        'dl.stat',
        fact('data in', h('code', data_dir)),
        fact('log in', h('code', log_dir)),
        fact('log', bytes(log.bytes), log.segments === null ? '' : `, ${count(log.segments)} files`),
        fact('last in log', h('code', log.last_zxid ?? '–')),
        fact(
            'checkpoint',
            bytes(checkpoint.bytes),
            checkpoint.age_ms === null ? '' : `, ${duration(checkpoint.age_ms)} old`,
        ),
        fact('up to', h('code', checkpoint.zxid ?? '–')),
        fact(
            'syncs',
            `${count(syncs.count)}, ${figure(syncs.avg_us)} µs on average, ${figure(syncs.max_us)} µs at most`,
        ),
        fact('disk', meter, ` ${bytes(disk.free_bytes)} free of ${bytes(disk.size_bytes)}`),
        fact('memory', `${bytes(memory.resident_bytes)}, of it data ${bytes(memory.approximate_data_bytes)}`),
    );
}
