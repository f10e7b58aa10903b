// Locks, elections, semaphores and queues: who holds, who waits, in order. Read again whenever something happens
// below one.

import { get } from './api.js';
import { badge, empty, errorBox, flash, h, loading } from './dom.js';
import { ago, count, nodeLink, sessionLink, time } from './format.js';
import * as live from './live.js';
import { poll, throttled } from './poll.js';
import { icon } from './svg.js';

const WAITING_SHOWN = 40;
const HELD = {
    lock: 'holds',
    read_write_lock: 'hold',
    semaphore: 'hold',
    election: 'leads',
    barrier: 'holds',
    queue: 'next',
};

export function open(shell, route) {
    const below = route.query.get('below') || '/';
    const list = h('div.locks', loading('Looking for locks'));
    const trouble = h('div');
    const total = h('span.quiet');
    const field = h('input', { type: 'text', value: below, 'aria-label': 'Below', spellcheck: 'false' });
    const cards = new Map(); // path -> {element, signature}
    const soon = throttled(250, () => reading.now());
    const reading = poll(4000, async (signal) => {
        try {
            const answer = await get('/api/v1/locks', { below, limit: 200 }, signal);
            trouble.replaceChildren();
            draw(answer);
        } catch (error) {
            if (!signal.aborted) trouble.replaceChildren(errorBox(error, () => reading.now()));
        }
    });
    const draw = ({ locks, scanned, complete }) => {
        const rest = complete ? '' : ', more not looked at: narrow it down';
        total.textContent = `${count(locks.length)} found in ${count(scanned)} nodes${rest}`;
        live.follow(
            'locks',
            locks.slice(0, 45).map((lock) => lock.path),
            soon,
        );
        const kept = new Map();
        for (const lock of locks) {
            const before = cards.get(lock.path);
            const signature = JSON.stringify(lock);
            const card = before?.signature === signature ? before : { signature, element: drawLock(lock, before) };
            card.holders = lock.holders.map((one) => one.path);
            kept.set(lock.path, card);
        }
        cards.clear();
        kept.forEach((card, path) => cards.set(path, card));
        list.replaceChildren(
            ...(locks.length
                ? [...kept.values()].map((card) => card.element)
                : [
                      empty(
                          'No locks, elections or queues',
                          `None found below ${below}. Those of Curator, kazoo, our own recipes and `,
                          "ZooKeeper's examples are known by their names.",
                      ),
                  ]),
        );
    };
    shell.setAddress('/api/v1/locks', { below });
    shell.view.replaceChildren(
        h(
            'div.page',
            h(
                'div.page-head',
                h('h1', 'Locks and elections'),
                total,
                h('span.grow'),
                h(
                    'form.inline',
                    {
                        on: {
                            submit: (event) => {
                                event.preventDefault();
                                location.hash = `#/locks?${new URLSearchParams({ below: field.value || '/' })}`;
                            },
                        },
                    },
                    h('label', 'below ', field),
                ),
            ),
            trouble,
            list,
        ),
    );
    return {
        close() {
            reading.stop();
            soon.cancel();
            live.follow('locks', []);
        },
    };
}

function drawLock(lock, before) {
    const waiting = lock.waiting.slice(0, WAITING_SHOWN);
    const element = h(
        'section.lock',
        { 'aria-label': lock.path, data: { path: lock.path } },
        h(
            'header',
            h('a.name', { href: nodeLink(lock.path) }, lock.path),
            badge(lock.kind.replaceAll('_', ' ')),
            badge(lock.layout, 'plain'),
            h('span.quiet', lock.waiting.length ? `${count(lock.waiting.length)} waiting` : 'nobody waits'),
        ),
        h(
            'ol.queue',
            { 'aria-label': 'Queue' },
            lock.holders.length
                ? lock.holders.map((one) => place(one, 'holder', HELD[lock.kind] ?? 'holds'))
                : h('li.place.free', h('span.place-role', 'free')),
            waiting.map((one, i) => place(one, 'waiting', String(i + 1))),
            lock.waiting.length > waiting.length
                ? h('li.place.rest', `and ${count(lock.waiting.length - waiting.length)} more`)
                : null,
        ),
    );
    if (before && before.holders.join() !== lock.holders.map((one) => one.path).join()) {
        element.querySelectorAll('.holder').forEach(flash);
    }
    return element;
}

function place(entry, kind, role) {
    return h(
        'li.place',
        { class: kind, title: `${entry.path}\nsince ${time(entry.since_ms, true)}` },
        kind === 'waiting' ? h('span.arrow', icon('right')) : null,
        h('span.place-role', role, entry.mode ? ` ${entry.mode}` : ''),
        h('a.name', { href: nodeLink(entry.path) }, entry.data || entry.name),
        h(
            'span.place-foot',
            entry.session
                ? h('a.mono', { href: sessionLink(entry.session) }, entry.session)
                : h('span.quiet', 'no session'),
            h('span.quiet', ago(entry.since_ms)),
        ),
    );
}
