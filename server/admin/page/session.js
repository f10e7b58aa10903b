// One session: who it is, what it owns, what it watches.

import { get, remove } from './api.js';
import { confirmAction, note } from './dialog.js';
import { badge, copyButton, empty, errorBox, h, loading, panel } from './dom.js';
import { count, duration, nodeLink, time } from './format.js';
import { poll } from './poll.js';
import { since, where } from './sessions.js';

export function open(shell, route, who) {
    const id = route.path.slice(1);
    const address = `/api/v1/sessions/${encodeURIComponent(id)}`;
    const body = h('div', loading('Reading the session'));
    const trouble = h('div');
    const close = () =>
        confirmAction(
            `Close session ${id}`,
            h('p', 'Its ephemeral nodes are deleted, and its client is told that the session has expired.'),
            {
                button: 'Close session',
                act: async () => {
                    await remove(address);
                    return true;
                },
            },
        ).then((done) => {
            if (!done) return;
            note(`Closed ${id}`);
            reading.now();
        });
    const button = h('button.danger-quiet', { type: 'button', on: { click: close } }, 'Close session');
    shell.setAddress(address);
    shell.view.replaceChildren(
        h(
            'div.page',
            h(
                'div.page-head',
                h('h1', h('a', { href: '#/sessions' }, 'Sessions'), ' / ', h('span.mono', id)),
                copyButton('Copy the id', id),
                h('span.grow'),
                who.can_write ? button : null,
            ),
            trouble,
            body,
        ),
    );
    let last = '';
    const reading = poll(3000, async (signal) => {
        try {
            const session = await get(address, {}, signal);
            trouble.replaceChildren();
            const { last_activity_ms: _, received: __, sent: ___, ...steady } = session;
            if (JSON.stringify(steady) !== last) body.replaceChildren(detail(session));
            last = JSON.stringify(steady);
        } catch (error) {
            if (signal.aborted) return;
            if (error.status === 404) {
                button.remove();
                trouble.replaceChildren();
                body.replaceChildren(
                    empty(
                        'There is no such session',
                        last ? 'It has just ended: closed, or expired.' : 'It was closed, or has expired.',
                    ),
                );
            } else {
                trouble.replaceChildren(errorBox(error, () => reading.now()));
            }
        }
    });
    return { close: () => reading.stop() };
}

function detail(session) {
    const fact = (name, ...value) => [h('dt', name), h('dd', ...value)];
    const paths = session.ephemerals_paths ?? [];
    const watches = session.watches_list ?? [];
    const link = (path) => h('a.name', { href: nodeLink(path) }, path);
    return h(
        'div.columns-even',
        panel(
            'Connection',
            null,
            h(
                'dl.stat',
                fact('client', where(session)),
                fact('timeout', duration(session.timeout_ms)),
                fact(
                    'since',
                    session.established_ms === null ? '–' : `${time(session.established_ms)} (${since(session)})`,
                ),
                fact('last zxid', h('code', session.last_zxid ?? '–')),
                fact('received', session.connected ? count(session.received) : '–'),
                fact('sent', session.connected ? count(session.sent) : '–'),
                fact('queued', session.connected ? count(session.outstanding) : '–'),
            ),
        ),
        panel(
            `Ephemeral nodes (${count(session.ephemerals)})`,
            null,
            paths.length
                ? h(
                      'ul.plain',
                      paths.map((path) => h('li', link(path))),
                  )
                : h('p.quiet', 'None.'),
            paths.length < session.ephemerals ? h('p.hint', `The first ${count(paths.length)}.`) : null,
        ),
        panel(
            `Watches (${count(session.watches)})`,
            null,
            watches.length
                ? h(
                      'ul.plain',
                      watches.map((watch) =>
                          h(
                              'li',
                              link(watch.path),
                              ' ',
                              watch.kinds.map((kind) => badge(kind)),
                          ),
                      ),
                  )
                : h('p.quiet', session.connected ? 'None.' : 'Known only where its client is connected.'),
        ),
    );
}
