// What of the page needs no browser.

import { expect, test } from '@playwright/test';

import { jsonTokens, prettyJson } from '../../../server/admin/page/data_view.js';
import { diffLines } from '../../../server/admin/page/diff.js';
import { ago, bytes, duration, nodeLink, parentOf, treeAddress, zxidParts } from '../../../server/admin/page/format.js';

/// Numbers below `below`, the same for the same seed.
function numbers(seed) {
    let state = seed;
    return (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
    };
}

test('a difference gives back both texts, and leaves alone what is the same', () => {
    for (let seed = 0; seed < 500; ++seed) {
        const next = numbers(seed);
        const text = () => Array.from({ length: next(12) }, () => 'abc'[next(3)]).join('\n');
        const [before, after] = [text(), text()];
        const lines = diffLines(before, after);
        const side = (not) =>
            lines
                .filter((line) => line.kind !== not)
                .map((line) => line.text)
                .join('\n');
        expect([seed, side('new'), side('gone')]).toEqual([seed, before, after]);
    }
    expect(diffLines('a\nb\nc', 'a\nx\nc').map((line) => line.kind)).toEqual(['same', 'gone', 'new', 'same']);
});

test('a difference too large to be read is still a true one', () => {
    const before = Array.from({ length: 3000 }, (_, i) => `old ${i}`);
    const after = Array.from({ length: 3000 }, (_, i) => `new ${i}`);
    const lines = diffLines(before.join('\n'), after.join('\n'));
    expect(lines.filter((line) => line.kind === 'gone').map((line) => line.text)).toEqual(before);
    expect(lines.filter((line) => line.kind === 'new').map((line) => line.text)).toEqual(after);
});

test('JSON laid out loses nothing but white space', () => {
    const text = '{"a":[1.50,-2e+10,123456789012345678901],"a":"x \\" { [ : ,","e":{},"f":[],"n":[null,true,false]}';
    expect(
        jsonTokens(text)
            .filter((one) => one.kind !== 'space')
            .map((one) => one.text.trim())
            .join(''),
    ).toBe(text);
    expect(prettyJson('{"a":[1,2],"b":{}}')).toBe('{\n  "a": [\n    1,\n    2\n  ],\n  "b": {}\n}');
});

test('figures are written as people read them', () => {
    expect([0, 1023, 1024, 1536, 5 << 20].map(bytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '5.0 MiB']);
    expect([0, 999, 4200, 185000, 7.8e6, 1.1e9].map(duration)).toEqual([
        '0 ms',
        '999 ms',
        '4.2 s',
        '3 min 05 s',
        '2 h 10 min',
        '12 d 17 h',
    ]);
    expect(ago(Date.now() - 65000)).toBe('1 min ago');
    expect(zxidParts('0xffffffff00000001')).toEqual({ epoch: 4294967295, counter: 1 });
});

test('a path becomes an address, whatever is in it', () => {
    expect(nodeLink('/')).toBe('#/tree');
    expect(treeAddress('/a b/ü?#%/c')).toBe('/api/v1/tree/a%20b/%C3%BC%3F%23%25/c');
    expect([parentOf('/a'), parentOf('/a/b/c')]).toEqual(['/', '/a/b']);
});
