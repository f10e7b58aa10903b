// A znode's data, shown: text, JSON indented and coloured, a hex dump, base64, and what gzip holds.
//
// JSON is laid out again from its tokens, not from parsed values: numbers beyond 2^53, repeated keys and the like are
// shown as they are stored.

import { h } from './dom.js';

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]|[^\s]/g;
const INDENT = '  ';
const UNPACKED_MAX = 1 << 20;

/// [{kind: 'key' | 'string' | 'number' | 'word' | 'mark' | 'space', text}]
export function jsonTokens(text) {
    const raw = text.match(TOKEN) ?? [];
    const out = [];
    let depth = 0;
    const line = () => out.push({ kind: 'space', text: `\n${INDENT.repeat(depth)}` });
    raw.forEach((token, i) => {
        const next = raw[i + 1];
        if (token === '{' || token === '[') {
            out.push({ kind: 'mark', text: token });
            ++depth;
            if (next !== '}' && next !== ']') line();
        } else if (token === '}' || token === ']') {
            depth = Math.max(0, depth - 1);
            if (raw[i - 1] !== '{' && raw[i - 1] !== '[') line();
            out.push({ kind: 'mark', text: token });
        } else if (token === ',') {
            out.push({ kind: 'mark', text: token });
            line();
        } else if (token === ':') {
            out.push({ kind: 'mark', text: ': ' });
        } else if (token.startsWith('"')) {
            out.push({ kind: next === ':' ? 'key' : 'string', text: token });
        } else {
            out.push({ kind: /^[-\d]/.test(token) ? 'number' : 'word', text: token });
        }
    });
    return out;
}

export const prettyJson = (text) =>
    jsonTokens(text)
        .map((token) => token.text)
        .join('');

function jsonView(text) {
    return h(
        'pre.data.json',
        jsonTokens(text).map(({ kind, text: part }) =>
            kind === 'space' || kind === 'mark' ? part : h('span', { class: kind }, part),
        ),
    );
}

/// "00000010  68 65 6c 6c 6f ...  hello..."
function hexDump(digits) {
    const lines = [];
    for (let at = 0; at < digits.length; at += 32) {
        const pairs = digits.slice(at, at + 32).match(/../g) ?? [];
        const text = pairs
            .map((pair) => {
                const code = parseInt(pair, 16);
                return code >= 32 && code < 127 ? String.fromCharCode(code) : '·';
            })
            .join('');
        const left = pairs.slice(0, 8).join(' ').padEnd(23);
        const right = pairs.slice(8).join(' ').padEnd(23);
        lines.push(`${(at / 2).toString(16).padStart(8, '0')}  ${left}  ${right}  ${text}`);
    }
    return lines.join('\n');
}

/// `data` as the API gives it, of any format.
export function dataView(data) {
    if (!data) return h('p.quiet', 'No data: null, or not readable for you.');
    if (data.size === 0) return h('p.quiet', 'Empty: zero bytes.');
    if (data.format === 'json') return jsonView(data.value);
    if (data.format === 'hex') return h('pre.data', hexDump(data.value));
    if (data.format === 'base64') return h('pre.data.wrap', wrapped(data.value, 76));
    return h('pre.data.wrap', data.value);
}

export const wrapped = (text, width) => text.match(new RegExp(`.{1,${width}}`, 'g'))?.join('\n') ?? '';

export const isGzip = (data) => data?.format === 'hex' && data.value.startsWith('1f8b');

/// What a gzip's hex digits unpack to, as text; throws if it is none.
export async function unpacked(digits) {
    const packed = Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
    const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
    const parts = [];
    let size = 0;
    for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        parts.push(value);
        size += value.length;
        if (size > UNPACKED_MAX) {
            // a small node may unpack to gigabytes
            await reader.cancel();
            break;
        }
    }
    return new TextDecoder().decode(await new Blob(parts).arrayBuffer());
}
