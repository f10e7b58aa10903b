// Figures, sizes and times as people read them. Functions of their arguments, apart from the clock of `ago`.

const WHOLE = new Intl.NumberFormat('en-US');

export const count = (value) => (value === null || value === undefined ? '–' : WHOLE.format(value));

export function figure(value) {
    if (value === null || value === undefined) return '–';
    if (Number.isInteger(value) || Math.abs(value) >= 100) return WHOLE.format(Math.round(value));
    return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}

export function bytes(value) {
    if (value === null || value === undefined) return '–';
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        ++unit;
    }
    return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/// Of ms: "850 ms", "4.2 s", "3 min 05 s", "2 h 10 min", "12 d 3 h".
export function duration(ms) {
    if (ms === null || ms === undefined) return '–';
    if (ms < 1000) return `${Math.round(ms)} ms`;
    const seconds = ms / 1000;
    if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
    const two = (value) => String(Math.floor(value)).padStart(2, '0');
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`;
    return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export function ago(ms) {
    if (!ms) return '–';
    const seconds = (Date.now() - ms) / 1000;
    if (seconds < 1.5) return 'just now';
    const [size, unit] = [
        [86400, 'd'],
        [3600, 'h'],
        [60, 'min'],
        [1, 's'],
    ].find(([one]) => seconds >= one);
    return `${WHOLE.format(Math.floor(seconds / size))} ${unit} ago`;
}

/// "2026-03-04 05:06:07", local; with ms if asked for.
export function time(ms, with_ms = false) {
    if (ms === null || ms === undefined) return '–';
    const at = new Date(ms);
    const two = (value) => String(value).padStart(2, '0');
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    return `${day} ${clock}${with_ms ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : ''}`;
}

export const clock = (ms) => time(ms).slice(11);

/// The time if it is of today, else the day. The root and what is below /zookeeper have none.
export const shortTime = (ms) =>
    !ms ? '–' : time(ms).slice(0, 10) === time(Date.now()).slice(0, 10) ? clock(ms) : time(ms).slice(0, 10);

/// "0x200000005" is epoch 2, counter 5.
export function zxidParts(hex) {
    const value = BigInt(hex);
    return { epoch: Number(value >> 32n), counter: Number(value & 0xffffffffn) };
}

export function zxidWords(hex) {
    if (!hex) return '–';
    const { epoch, counter } = zxidParts(hex);
    return `epoch ${WHOLE.format(epoch)}, ${WHOLE.format(counter)}`;
}

export const parentOf = (path) => (path.lastIndexOf('/') <= 0 ? '/' : path.slice(0, path.lastIndexOf('/')));
export const nameOf = (path) => (path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1));
export const childOf = (path, name) => (path === '/' ? `/${name}` : `${path}/${name}`);
const encoded = (path) => (path === '/' ? '' : path.split('/').map(encodeURIComponent).join('/'));

/// Permalinks.
export const nodeLink = (path) => `#/tree${encoded(path)}`;
export const sessionLink = (id) => `#/session/${id}`;
/// Where the API has the node, or its ACL.
export const treeAddress = (path) => `/api/v1/tree${encoded(path)}`;
export const aclAddress = (path) => `/api/v1/acl${encoded(path)}`;
