// The stream of events: one connection, for all that the page shows.
//
// Views say which znodes they show (follow) and are told of what happens there. When the set changes the stream is
// opened anew, the old one closed only after the new one flows; what then joined may have changed between its being
// read and its being followed, so it gets one event of type "resync", and after a break everything does. A stream
// that says nothing for SILENCE_MS is dead (the server tells its figures every second) and is tried again.

import { address, headers, understood } from './api.js';

const PATHS_MAX = 50;
const SILENCE_MS = 6000;
const PAUSES_MS = [500, 1000, 2000, 4000];

const followers = new Map(); // key of a view's part -> {paths, listener}
const listeners = { server: new Set(), role: new Set(), state: new Set() };
let current = null; // {abort, paths}
let wanted_changed = null; // timer
let failures = 0;
let retry = null;
let running = false;
export let state = { connected: false, error: null, retry_at: 0 };

export function on(event, listener) {
    listeners[event].add(listener);
    return () => listeners[event].delete(listener);
}

/// From now on `listener({path, type})` hears of `paths` and what is directly below them; [] ends it.
export function follow(key, paths, listener) {
    if (paths.length) followers.set(key, { paths, listener });
    else followers.delete(key);
    clearTimeout(wanted_changed);
    wanted_changed = setTimeout(() => running && differs() && open(), 60);
}

export function start() {
    running = true;
    failures = 0;
    open();
}

export function stop() {
    running = false;
    clearTimeout(retry);
    current?.abort.abort();
    current = null;
}

/// Now, rather than at the end of the pause.
export function tryNow() {
    clearTimeout(retry);
    open();
}

function wanted() {
    const paths = new Set();
    for (const follower of followers.values()) {
        for (const path of follower.paths) if (paths.size < PATHS_MAX) paths.add(path);
    }
    return paths;
}

function differs() {
    const paths = wanted();
    return !current || paths.size !== current.paths.size || [...paths].some((path) => !current.paths.has(path));
}

async function open() {
    clearTimeout(retry);
    const before = current;
    const mine = { abort: new AbortController(), paths: wanted(), flows: false };
    current = mine;
    const dead = () => mine.abort.abort(new Error('the server has gone silent'));
    let watchdog = setTimeout(dead, SILENCE_MS);
    try {
        const response = await fetch(address('/api/v1/events', { path: [...mine.paths] }), {
            headers: headers(),
            credentials: 'omit',
            cache: 'no-store',
            signal: mine.abort.signal,
        });
        if (!response.ok) understood(response, await response.text());
        mine.flows = true;
        before?.abort.abort();
        const again = !state.connected;
        failures = 0;
        tell({ connected: true, error: null, retry_at: 0 });
        for (const path of mine.paths)
            if (again || !before?.flows || !before.paths.has(path)) dispatch({ path, type: 'resync' });
        await readEvents(response.body, (event, data) => {
            clearTimeout(watchdog);
            watchdog = setTimeout(dead, SILENCE_MS);
            if (current === mine) take(event, data);
        });
        throw new Error('the server closed the stream');
    } catch (error) {
        before?.abort.abort();
        if (current === mine && running) lost(error);
    } finally {
        clearTimeout(watchdog);
    }
}

function lost(error) {
    if (error.status === 401) return stop(); // the sign-in form starts it again
    const pause = PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)];
    const words = error.status ? error.message : 'the server cannot be reached';
    tell({ connected: false, error: words, retry_at: Date.now() + pause });
    retry = setTimeout(open, pause);
}

function tell(next) {
    const changed = next.connected !== state.connected || next.error !== state.error || !next.connected;
    state = next;
    if (changed) listeners.state.forEach((listener) => listener(state));
}

function take(event, data) {
    if (event === 'node') dispatch(data);
    else listeners[event]?.forEach((listener) => listener(data));
}

function dispatch(event) {
    const parent = event.path.slice(0, event.path.lastIndexOf('/')) || '/';
    for (const follower of [...followers.values()]) {
        if (follower.paths.includes(event.path) || (event.type !== 'resync' && follower.paths.includes(parent))) {
            follower.listener(event);
        }
    }
}

/// Server-Sent Events, as far as a server of ours makes use of them.
async function readEvents(body, listener) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        rest += value.replaceAll('\r', '');
        let end;
        while ((end = rest.indexOf('\n\n')) >= 0) {
            const lines = rest.slice(0, end).split('\n');
            rest = rest.slice(end + 2);
            const field = (name) =>
                lines
                    .filter((line) => line.startsWith(`${name}:`))
                    .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
                    .join('\n');
            const data = field('data');
            if (data) listener(field('event') || 'message', JSON.parse(data));
        }
    }
}
