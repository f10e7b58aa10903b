// Differences of two texts, line by line (Myers 1986: the shortest edit script).

import { h } from './dom.js';
import { count } from './format.js';

const EDITS_MAX = 600; // beyond, the middle counts as replaced: nobody reads such a diff
const CONTEXT = 3;

/// [{kind: 'same' | 'gone' | 'new', text, left, right}], numbers of lines from 1.
export function diffLines(before, after) {
    const a = before.split('\n');
    const b = after.split('\n');
    let head = 0;
    while (head < a.length && head < b.length && a[head] === b[head]) ++head;
    let tail = 0;
    while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
        ++tail;
    const kinds = [
        ...Array(head).fill('same'),
        ...edits(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
        ...Array(tail).fill('same'),
    ];
    let left = 0;
    let right = 0;
    return kinds.map((kind) => {
        if (kind !== 'new') ++left;
        if (kind !== 'gone') ++right;
        return {
            kind,
            text: kind === 'new' ? b[right - 1] : a[left - 1],
            left: kind === 'new' ? null : left,
            right: kind === 'gone' ? null : right,
        };
    });
}

function edits(a, b) {
    const replaced = () => [...Array(a.length).fill('gone'), ...Array(b.length).fill('new')];
    const steps_max = Math.min(a.length + b.length, EDITS_MAX);
    const furthest = new Map([[1, 0]]); // diagonal -> x, after d edits
    const trace = [];
    for (let d = 0; d <= steps_max; ++d) {
        trace.push(new Map(furthest));
        for (let k = -d; k <= d; k += 2) {
            const down = k === -d || (k !== d && furthest.get(k - 1) < furthest.get(k + 1));
            let x = down ? furthest.get(k + 1) : furthest.get(k - 1) + 1;
            while (x < a.length && x - k < b.length && a[x] === b[x - k]) ++x;
            furthest.set(k, x);
            if (x >= a.length && x - k >= b.length) return walkBack(trace, a.length, b.length);
        }
    }
    return replaced();
}

function walkBack(trace, x, y) {
    const kinds = [];
    for (let d = trace.length - 1; d >= 0; --d) {
        const furthest = trace[d];
        const k = x - y;
        const down = k === -d || (k !== d && furthest.get(k - 1) < furthest.get(k + 1));
        const from_x = d === 0 ? 0 : furthest.get(down ? k + 1 : k - 1);
        const from_y = d === 0 ? 0 : from_x - (down ? k + 1 : k - 1);
        while (x > from_x && y > from_y) {
            kinds.push('same');
            --x;
            --y;
        }
        if (d > 0) kinds.push(down ? 'new' : 'gone');
        x = from_x;
        y = from_y;
    }
    return kinds.reverse();
}

/// The difference drawn, long unchanged stretches left out.
export function diffView(before, after, label) {
    const lines = diffLines(before, after);
    const near = lines.map(() => false);
    lines.forEach((line, i) => {
        if (line.kind === 'same') return;
        for (let j = Math.max(0, i - CONTEXT); j <= Math.min(lines.length - 1, i + CONTEXT); ++j) near[j] = true;
    });
    const rows = [];
    for (let i = 0; i < lines.length;) {
        if (near[i]) {
            rows.push(row(lines[i++]));
            continue;
        }
        const from = i;
        while (i < lines.length && !near[i]) ++i;
        rows.push(
            h(
                'tr.skipped',
                h('td', { colspan: 4 }, `${count(i - from)} unchanged ${i - from === 1 ? 'line' : 'lines'}`),
            ),
        );
    }
    return h('div.diff', { 'aria-label': label, role: 'region', tabindex: '0' }, h('table', h('tbody', rows)));
}

function row({ kind, text, left, right }) {
    const sign = { same: ' ', gone: '−', new: '+' }[kind];
    return h(
        'tr',
        { class: kind },
        h('td.number', left ?? ''),
        h('td.number', right ?? ''),
        h('td.sign', sign),
        h('td.line', text),
    );
}
