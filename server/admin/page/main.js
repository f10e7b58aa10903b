// The page: who is there, which view the address names, keys that work everywhere.
//
// A view is a module with open(shell, route, session) -> {close(), move?(route) -> bool}. `move` takes a new route of
// the same view in place; without it, or if it declines, the view is opened anew. `unsaved`, if there is one, tells
// whether leaving would lose something.

import * as api from './api.js';
import { errorBox, h, loading } from './dom.js';
import { nodeLink } from './format.js';
import { keys, showHelp } from './keys.js';
import * as live from './live.js';
import { note } from './dialog.js';
import { Shell, VIEWS } from './shell.js';
import { signIn } from './signin.js';
import * as audit from './audit.js';
import * as charts from './charts.js';
import * as ensemble from './ensemble.js';
import * as locks from './locks.js';
import * as search from './search.js';
import * as session from './session.js';
import * as sessions from './sessions.js';
import * as settings from './settings.js';
import * as tree from './tree_view.js';
import * as watches from './watches.js';

const LEAVE = 'Leave, and lose what you have been editing?';
const modules = { tree, search, sessions, session, watches, locks, ensemble, charts, audit, settings };
const shell = new Shell({ search: searchFor, help: showHelp, signOut });
let who = null;
let opened = null; // {name, address, view}
let asking = false; // for credentials

/// "#/tree/a%20b?x=1" -> {view: "tree", path: "/a b", query}
function route() {
    const [path, query] = location.hash.replace(/^#\/?/, '').split('?', 2);
    const [view, ...rest] = path.split('/');
    const decoded = rest.map((part) => {
        try {
            return decodeURIComponent(part);
        } catch {
            return part; // somebody's hand-written % sign
        }
    });
    return {
        view: view || 'tree',
        path: `/${decoded.filter(Boolean).join('/')}`,
        query: new URLSearchParams(query ?? ''),
    };
}

function show() {
    if (!who) return;
    const to = route();
    const module = modules[to.view];
    if (!module) {
        location.replace('#/tree');
        return;
    }
    if (opened && opened.address !== location.hash && opened.view.unsaved?.() && !confirm(LEAVE)) {
        history.replaceState(null, '', opened.address);
        return;
    }
    shell.mark(to.view);
    if (opened?.name === to.view && opened.view.move?.(to)) {
        opened.address = location.hash;
        return;
    }
    opened?.view.close();
    shell.view.replaceChildren();
    shell.view.className = `view-${to.view}`;
    const title = VIEWS.find((one) => one.name === to.view)?.title ?? 'Session';
    document.title = `${title} · ${location.host}`;
    opened = { name: to.view, address: location.hash, view: module.open(shell, to, who) };
}

async function begin() {
    document.body.replaceChildren(h('div.start', loading('Asking the server')));
    try {
        who = await api.get('/api/v1/whoami');
    } catch (error) {
        if (error.status !== 401) document.body.replaceChildren(h('div.start', errorBox(error, begin)));
        return;
    }
    asking = false;
    shell.setWho(who);
    document.body.replaceChildren(shell.element);
    live.start();
    show();
}

function askForCredentials(error) {
    if (asking) return;
    asking = true;
    end();
    const wrong = api.credentials() ? error.message : null;
    api.forget();
    document.body.replaceChildren(
        signIn(wrong, () => {
            asking = false;
            begin();
        }),
    );
}

function end() {
    opened?.view.close();
    opened = null;
    who = null;
    live.stop();
}

function signOut() {
    end();
    api.forget();
    begin();
}

function searchFor(text) {
    const wanted = text.trim();
    if (!wanted) return;
    if (wanted.startsWith('/')) location.hash = nodeLink(wanted.length > 1 ? wanted.replace(/\/+$/, '') : '/');
    else location.hash = `#/search?${new URLSearchParams({ q: wanted })}`;
    shell.search.blur();
}

api.onRefused(askForCredentials);
let role_known = null; // a stream begins with the role as it is: no news
live.on('role', (event) => {
    const role = `${event.role} ${event.leader} ${event.epoch}`;
    if (role_known !== null && role !== role_known) {
        const led = event.leader === null ? '' : `; server ${event.leader} leads epoch ${event.epoch}`;
        note(`This server is now ${event.role}${led}`, event.leader === null ? 'warn' : 'good');
    }
    role_known = role;
});
keys(shell, () => opened?.view);
addEventListener('hashchange', show);
addEventListener('beforeunload', (event) => opened?.view.unsaved?.() && event.preventDefault());
begin();
