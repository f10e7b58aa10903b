// What is around every view: navigation, the server's figures, search, banners, the address of the JSON behind the
// view.

import { address, curl, credentials } from './api.js';
import { badge, copyButton, h, iconButton } from './dom.js';
import { count, duration, figure } from './format.js';
import * as live from './live.js';
import { icon, svg } from './svg.js';

export const VIEWS = [
    { name: 'tree', title: 'Tree', key: 't' },
    { name: 'search', title: 'Search', key: 'f' },
    { name: 'sessions', title: 'Sessions', key: 's' },
    { name: 'watches', title: 'Watches', key: 'w' },
    { name: 'locks', title: 'Locks', key: 'l' },
    { name: 'ensemble', title: 'Ensemble', key: 'e' },
    { name: 'charts', title: 'Load', key: 'c' },
    { name: 'audit', title: 'Audit', key: 'a' },
    { name: 'settings', title: 'Settings', key: 'o' },
];
const SPARK_POINTS = 60;

export class Shell {
    constructor({ search, help, signOut }) {
        this.view = h('main', { id: 'view', tabindex: '-1' });
        this.search = h('input', {
            type: 'search',
            placeholder: 'Search nodes, or go to /path',
            'aria-label': 'Search nodes, or go to a path',
            spellcheck: 'false',
            autocomplete: 'off',
            'aria-keyshortcuts': '/',
        });
        const form = h(
            'form.search',
            {
                role: 'search',
                on: {
                    submit: (event) => {
                        event.preventDefault();
                        search(this.search.value);
                    },
                },
            },
            icon('search'),
            this.search,
            h('kbd', '/'),
        );
        this.links = VIEWS.map((view) =>
            h(
                'a',
                { href: `#/${view.name}`, data: { view: view.name }, title: `g ${view.key}` },
                icon(view.name),
                h('span', view.title),
            ),
        );
        this.server = h('div.server');
        this.who = h('div.who');
        this.banner = h('div.banner', { role: 'alert', hidden: true });
        this.foot = h('footer.address');
        this.spark = svg('polyline', { class: 'spark' });
        this.operations = [];
        this.signOut = signOut;
        this.element = h(
            'div.shell',
            h(
                'nav',
                { 'aria-label': 'Views' },
                h('a.brand', { href: '#/tree' }, h('span.mark'), h('span', 'zabd')),
                this.links,
            ),
            h(
                'header.top',
                this.server,
                form,
                h(
                    'div.top-tools',
                    this.who,
                    iconButton('sun', 'Switch between light and dark', switchTheme, { data: { theme: 'switch' } }),
                    iconButton('help', 'Keyboard (?)', help),
                ),
            ),
            this.banner,
            this.view,
            this.foot,
        );
        this.#serve({});
        live.on('server', (figures) => this.#serve(figures));
        live.on('state', () => this.#drawBanner());
        setInterval(() => live.state.connected || this.#drawBanner(), 1000);
    }

    mark(view) {
        const name = { session: 'sessions' }[view] ?? view;
        if (name !== 'search') this.search.value = '';
        for (const link of this.links) {
            if (link.dataset.view === name) {
                link.setAttribute('aria-current', 'page');
                link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
            } else link.removeAttribute('aria-current');
        }
    }

    /// The call behind the view.
    setAddress(path, parameters = {}) {
        const where = address(path, parameters);
        if (this.foot.dataset.address === where) return;
        this.foot.dataset.address = where;
        this.foot.replaceChildren(
            h('span.method', 'GET'),
            h('a.json', { href: where, target: '_blank', rel: 'noreferrer' }, where),
            copyButton('Copy the address', () => new URL(where, location.href).href, 'copy address'),
            copyButton('Copy as a curl command', () => curl(where), 'copy curl'),
        );
    }

    setWho(who) {
        const role = who.can_write ? 'operator' : 'read-only';
        const why = who.credentials_configured
            ? `Signed in as ${who.user}`
            : 'No credentials are configured, so nobody can write: set zabd.admin.operatorToken';
        this.who.replaceChildren(
            h('span.role', { class: who.can_write ? 'can-write' : '', title: why }, role),
            who.credentials_configured ? h('span.user', who.user) : (null ?? ''),
            credentials() ? iconButton('out', 'Sign out', this.signOut) : '',
        );
    }

    #serve(figures) {
        if (figures.ops_per_s !== undefined) {
            this.operations.push(figures.ops_per_s);
            if (this.operations.length > SPARK_POINTS) this.operations.shift();
            const top = Math.max(1, ...this.operations);
            const at = (value, i) =>
                `${(60 * (i + SPARK_POINTS - this.operations.length)) / (SPARK_POINTS - 1)},${15 - (14 * value) / top}`;
            this.spark.setAttribute('points', this.operations.map(at).join(' '));
        }
        const fact = (name, value, title) =>
            h('span.fact', { title }, h('span.fact-name', name), h('span.fact-value', value));
        this.server.replaceChildren(
            h('strong.host', location.host),
            roleBadge(figures.role),
            fact('zxid', figures.zxid ?? '–', 'The last transaction applied here'),
            h(
                'span.fact',
                { title: 'Operations a second, the last minute' },
                h('span.fact-name', 'ops/s'),
                svg('svg', { viewBox: '0 0 60 16', class: 'spark-box', 'aria-hidden': 'true' }, this.spark),
                h('span.fact-value', figure(figures.ops_per_s)),
            ),
            fact(
                'latency',
                (figures.latency_avg_ms ?? null) === null ? '–' : `${figure(figures.latency_avg_ms)} ms`,
                'Average of the last second',
            ),
            fact('queued', count(figures.outstanding), 'Requests not yet answered'),
        );
    }

    #drawBanner() {
        const { connected, error, retry_at: at } = live.state;
        this.banner.hidden = connected || !error;
        document.documentElement.classList.toggle('disconnected', !this.banner.hidden);
        if (this.banner.hidden) return;
        const wait = at - Date.now();
        this.banner.replaceChildren(
            h('span', `Connection lost: ${error}. What you see may be out of date.`),
            h('span.quiet', wait > 0 ? `Trying again in ${duration(Math.ceil(wait / 1000) * 1000)}` : 'Trying again'),
            h('button.small', { type: 'button', on: { click: () => live.tryNow() } }, 'Try now'),
        );
    }
}

export function roleBadge(role) {
    if (!role) return badge('–', 'role-none');
    return badge(role, `role-${role.replace(/[^a-z-]/g, '')}`);
}

function switchTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme
        ? root.dataset.theme === 'dark'
        : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    localStorage.setItem('zabd.theme', root.dataset.theme);
}
