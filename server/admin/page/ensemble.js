// The ensemble: who leads, who lags, who is out of reach; the elections of late.

import { get, post } from './api.js';
import { confirmAction, note } from './dialog.js';
import { badge, empty, errorBox, flash, h, loading, panel } from './dom.js';
import { ago, count, duration, figure, time, zxidParts } from './format.js';
import * as live from './live.js';
import { poll } from './poll.js';
import { roleBadge } from './shell.js';
import { Table } from './table.js';

const REFRESH_MS = 1500;

export function open(shell, route, who) {
    const body = h('div.stack', loading('Asking the ensemble'));
    const trouble = h('div');
    const state = h('span');
    const step = h(
        'button.danger-quiet',
        { type: 'button', hidden: true, on: { click: () => stepDown().then((done) => done && reading.now()) } },
        'Step down',
    );
    const servers = h('div.servers');
    const elections = electionTable();
    const quorum = h('div.quorum');
    let drawn = false;
    const reading = poll(REFRESH_MS, async (signal) => {
        try {
            const ensemble = await get('/api/v1/ensemble', {}, signal);
            trouble.replaceChildren();
            if (!drawn)
                body.replaceChildren(quorum, servers, panel('Elections and changes of role', null, elections.element));
            drawn = true;
            step.hidden = !(who.can_write && ensemble.role === 'leader');
            state.replaceChildren(ensemble.serving ? badge('serving', 'good') : badge('not serving', 'bad'));
            drawQuorum(quorum, ensemble);
            drawServers(servers, ensemble);
            elections.update(ensemble.elections);
        } catch (error) {
            if (!signal.aborted) trouble.replaceChildren(errorBox(error, () => reading.now()));
        }
    });
    const forget = live.on('role', () => reading.now());
    shell.setAddress('/api/v1/ensemble');
    shell.view.replaceChildren(
        h('div.page', h('div.page-head', h('h1', 'Ensemble'), state, h('span.grow'), step), trouble, body),
    );
    return {
        close() {
            forget();
            reading.stop();
        },
    };
}

async function stepDown() {
    const done = await confirmAction(
        'Step down',
        h('p', 'This server gives up leading and the ensemble elects anew. Clients wait meanwhile.'),
        {
            button: 'Step down',
            act: async () => {
                await post('/api/v1/step-down');
                return true;
            },
        },
    );
    if (done) note('Asked to step down');
    return done;
}

function drawQuorum(element, { quorum, role, epoch, zxid, uptime_ms, version, leader, servers }) {
    const fact = (name, value) => h('div.figure', h('span.fact-name', name), h('span.figure-value', value));
    // Who follows is the leader's to know; others know whom they can reach.
    const reached = servers.filter((server) => !server.observer && server.reachable).length;
    const there = quorum.in_touch ?? reached;
    const seats = Array.from({ length: quorum.voters }, (_, i) => h('span.seat', { class: i < there ? 'taken' : '' }));
    const how = quorum.in_touch === null ? 'reachable' : 'in touch';
    const words = `${there} of ${quorum.voters} ${how}, ${quorum.needed} needed`;
    element.replaceChildren(
        h(
            'div.figure',
            h('span.fact-name', 'Quorum'),
            h('span.figure-value', quorum.has ? 'yes' : 'lost', h('span.seats', seats)),
            h('span.quiet.small', words),
        ),
        fact('This server', roleBadge(role)),
        fact('Leader', leader === null ? 'none' : `server ${leader}`),
        fact('Epoch', count(epoch)),
        fact('Zxid', h('code', zxid)),
        fact('Up', duration(uptime_ms)),
        fact('Version', h('span', { title: version }, version.split(' (')[0])),
    );
    element.classList.toggle('bad', !quorum.has);
}

function drawServers(element, ensemble) {
    const { servers } = ensemble;
    const before = new Map([...element.children].map((card) => [card.dataset.id, card]));
    const cards = servers.map((server) => {
        const old = before.get(String(server.id));
        const { checked_ms_ago: age, ...rest } = server;
        const state = JSON.stringify(rest);
        const card = old?.dataset.state === state ? old : drawServer(server);
        card.dataset.state = state;
        card.querySelector('.age').textContent = server.self ? '' : `${duration(age)} ago`;
        if (old && old.dataset.role !== card.dataset.role) flash(card);
        return card;
    });
    if (cards.some((card, i) => card !== element.children[i])) element.replaceChildren(...cards);
}

function drawServer(server) {
    const fact = (name, value, title = '') => [h('dt', { title }, name), h('dd', value)];
    const known = server.reachable;
    const state = known ? (server.role ?? 'not serving') : 'unreachable';
    const lag =
        server.role === 'leader'
            ? 'leads'
            : server.lag_txns === null
              ? '–'
              : server.lag_txns === 0
                ? 'none'
                : `${count(server.lag_txns)} txns${server.lag_ms === null ? '' : `, ${duration(server.lag_ms)}`}`;
    const { epoch, counter } = server.zxid ? zxidParts(server.zxid) : {};
    const card = h(
        'section.server-card',
        {
            class: `${known ? '' : 'unreachable'} ${server.role === 'leader' ? 'leads' : ''}`,
            'aria-label': `Server ${server.id}`,
            data: { id: String(server.id), role: state },
        },
        h(
            'header',
            h('span.server-id', server.id || null),
            known ? roleBadge(server.role ?? 'not serving') : badge('unreachable', 'bad'),
            server.self ? badge('this one', 'plain') : null,
            server.observer ? badge('no vote', 'plain') : null,
            h('span.grow'),
            h('span.quiet.small.age', { title: 'When it was last asked' }),
        ),
        h('p.mono.address-line', `${server.host}:${server.client_port ?? '–'}`),
        h('div.lag', { title: `Behind the leader: ${lag}` }, lagBar(server)),
        h(
            'dl.stat',
            fact('behind', lag),
            fact(
                'zxid',
                server.zxid ? h('span', { title: `epoch ${epoch}, ${counter}` }, h('code', server.zxid)) : '–',
            ),
            fact('clients', count(server.connections)),
            fact('queued', count(server.outstanding)),
            fact('latency', server.latency_avg_ms === null ? '–' : `${figure(server.latency_avg_ms)} ms`),
            fact('ports', `${server.quorum_port ?? '–'} · ${server.election_port ?? '–'}`, 'quorum · election'),
            fact('version', server.version ?? '–'),
        ),
    );
    return card;
}

/// Full: level with the leader; each decade of transactions behind takes a fifth.
function lagBar(server) {
    const bar = h('span.lag-bar');
    const behind = server.lag_txns ?? (server.reachable && server.role === 'leader' ? 0 : null);
    const share = !server.reachable || behind === null ? 0 : Math.max(0.05, 1 - Math.log10(1 + behind) / 5);
    bar.style.width = `${100 * share}%`;
    if (behind > 0) bar.classList.add('behind');
    return bar;
}

function electionTable() {
    const table = new Table(
        [
            { title: 'When', cell: (row) => h('span', { title: ago(row.at_ms) }, time(row.at_ms, true)) },
            { title: 'This server became', cell: (row) => roleBadge(row.role) },
            { title: 'Leader', right: true, cell: (row) => (row.leader === null ? '–' : String(row.leader)) },
            { title: 'Epoch', right: true, cell: (row) => (row.epoch ? count(row.epoch) : '–') },
            { title: 'Detail', wide: true, cell: (row) => row.detail ?? '' },
        ],
        { key: (row) => `${row.at_ms} ${row.role} ${row.leader} ${row.epoch}`, label: 'Elections' },
    );
    const nothing = empty('None yet since this server started');
    const element = h('div', table.element, nothing);
    return {
        element,
        update(rows) {
            table.update(rows);
            table.element.hidden = rows.length === 0;
            nothing.hidden = rows.length > 0;
        },
    };
}
