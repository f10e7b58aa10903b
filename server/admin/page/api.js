// The server's API: calls, and who makes them.
//
// Credentials  live in sessionStorage, so that a reload keeps them and a closed tab forgets them. They go out as a
//              header that other sites' pages cannot send; the browser's own (cookies, its Basic cache) are left out,
//              or a refusal would bring up its own prompt.

const KEY = 'zabd.credentials';
const TIMEOUT_MS = 20000;
const listeners = new Set();

export class ApiError extends Error {
    constructor(status, code, message) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

/// {header, curl} or null; `curl` is what a copied command line has: never the secret itself.
export function credentials() {
    try {
        return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
        return null;
    }
}

export function useToken(token) {
    keep({ header: `Bearer ${token}`, curl: '-H "Authorization: Bearer $ZABD_TOKEN"' });
}

export function usePassword(user, password) {
    const bytes = new TextEncoder().encode(`${user}:${password}`);
    keep({ header: `Basic ${btoa(String.fromCharCode(...bytes))}`, curl: `-u ${quoted(user)}` });
}

export const forget = () => sessionStorage.removeItem(KEY);

function keep(value) {
    sessionStorage.setItem(KEY, JSON.stringify(value));
}

/// Called when the server wants credentials, or others.
export const onRefused = (listener) => listeners.add(listener);

export function headers() {
    const known = credentials();
    return known ? { Authorization: known.header } : {};
}

export function address(path, parameters = {}) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters)) {
        if (value === undefined || value === null || value === '') continue;
        for (const one of [value].flat()) query.append(key, one);
    }
    return query.size ? `${path}?${String(query).replaceAll('%2F', '/')}` : path;
}

/// A command line that gets the same; for the operator's shell, so quoted for it.
export function curl(where) {
    const known = credentials();
    return ['curl', '-s', known?.curl, quoted(new URL(where, location.href).href)].filter(Boolean).join(' ');
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export const get = (path, parameters, signal) => call('GET', address(path, parameters), undefined, signal);
export const post = (path, body) => call('POST', path, body);
export const put = (path, body) => call('PUT', path, body);
export const remove = (path, parameters) => call('DELETE', address(path, parameters));

/// Lines of JSON as a file of the user's. The last line tells that none is missing: without it, nothing is saved.
export async function download(path, parameters, name) {
    const response = await fetch(address(path, parameters), {
        headers: headers(),
        credentials: 'omit',
        cache: 'no-store',
    }).catch(() => {
        throw new ApiError(0, 'Unreachable', 'the server cannot be reached');
    });
    if (!response.ok) understood(response, await response.text());
    const file = await response.blob().catch(() => null);
    const end = file && (await file.slice(-200).text());
    if (!end?.includes('"end":true')) throw new ApiError(0, 'Incomplete', 'it broke off before the end');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function call(method, where, body, signal) {
    const options = { method, headers: headers(), credentials: 'omit', cache: 'no-store' };
    options.signal = signal
        ? AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
        : AbortSignal.timeout(TIMEOUT_MS);
    if (method !== 'GET') options.headers['X-Zabd-Request'] = '1';
    if (body !== undefined) {
        options.headers['Content-Type'] = 'application/json';
        options.body = JSON.stringify(body);
    }
    let response;
    let text;
    try {
        response = await fetch(where, options);
        text = await response.text();
    } catch (error) {
        if (signal?.aborted) throw error;
        const late = error.name === 'TimeoutError';
        throw new ApiError(
            0,
            late ? 'Timeout' : 'Unreachable',
            late ? `no answer within ${TIMEOUT_MS / 1000} s` : 'the server cannot be reached',
        );
    }
    return understood(response, text);
}

/// What the server answered; an ApiError with its own words if it refused.
export function understood(response, text) {
    let answer = null;
    try {
        answer = text ? JSON.parse(text) : null;
    } catch {
        if (response.ok)
            throw new ApiError(response.status, 'NotJson', 'the answer is not JSON: is there a proxy between?');
    }
    if (response.ok) return answer;
    const error = new ApiError(
        response.status,
        answer?.error?.code ?? `HTTP ${response.status}`,
        answer?.error?.message ?? (response.statusText || 'refused'),
    );
    if (response.status === 401) listeners.forEach((listener) => listener(error));
    throw error;
}
