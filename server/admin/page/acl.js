// A node's access control list: shown, and edited.

import { put } from './api.js';
import { formDialog } from './dialog.js';
import { h, iconButton } from './dom.js';
import { aclAddress } from './format.js';

const PERMISSIONS = [
    ['c', 'create'],
    ['d', 'delete'],
    ['r', 'read'],
    ['w', 'write'],
    ['a', 'admin'],
];
const SCHEMES = ['world', 'digest', 'ip', 'x509', 'auth', 'sasl'];

export function aclView(entries) {
    return h(
        'table.acl',
        { 'aria-label': 'Access control list' },
        h(
            'tbody',
            entries.map((entry) =>
                h(
                    'tr',
                    h('td', h('code', `${entry.scheme}:${entry.id}`)),
                    h(
                        'td.right',
                        PERMISSIONS.map(([letter, name]) => {
                            const has = entry.perms.includes(letter);
                            return h(
                                'span.permission',
                                { class: has ? 'has' : '', title: has ? name : `not ${name}` },
                                letter,
                            );
                        }),
                    ),
                ),
            ),
        ),
    );
}

/// Rows to edit entries in; `value()` gives what they say.
export function aclFields(entries) {
    const list = h('div.acl-rows');
    const add = (entry) => {
        const scheme = h('input', {
            type: 'text',
            value: entry.scheme,
            'aria-label': 'Scheme',
            list: 'acl-schemes',
            spellcheck: 'false',
        });
        const id = h('input', {
            type: 'text',
            value: entry.id,
            'aria-label': 'Id',
            spellcheck: 'false',
            autocomplete: 'off',
        });
        const boxes = PERMISSIONS.map(([letter, name]) =>
            h('input', { type: 'checkbox', checked: entry.perms.includes(letter), 'aria-label': name }),
        );
        const row = h(
            'div.acl-row',
            scheme,
            id,
            h(
                'span.boxes',
                boxes.map((box, i) => h('label', { title: PERMISSIONS[i][1] }, box, PERMISSIONS[i][0])),
            ),
            iconButton('trash', 'Leave this entry out', () => {
                row.remove();
                list.dispatchEvent(new Event('change', { bubbles: true }));
            }),
        );
        row.value = () => ({
            scheme: scheme.value.trim(),
            id: id.value.trim(),
            perms: PERMISSIONS.map(([letter]) => letter)
                .filter((_, i) => boxes[i].checked)
                .join(''),
        });
        list.append(row);
    };
    entries.forEach(add);
    const more = h(
        'button.small',
        { type: 'button', on: { click: () => add({ scheme: 'digest', id: '', perms: 'cdrwa' }) } },
        'Add an entry',
    );
    const element = h(
        'div.stack',
        h(
            'datalist',
            { id: 'acl-schemes' },
            SCHEMES.map((scheme) => h('option', { value: scheme })),
        ),
        list,
        h('div', more),
    );
    return { element, value: () => [...list.children].map((row) => row.value()) };
}

export function editAcl(path, node) {
    const fields = aclFields(node.acl);
    const hint = h(
        'p.hint',
        'digest: user:base64(SHA-1(user:password)). The list is replaced as a whole, under its version ',
        String(node.stat.aversion),
        '; nodes below keep theirs.',
    );
    return formDialog(`Access to ${path}`, [fields.element, hint], {
        button: 'Save',
        kind: 'wide',
        ready: () => fields.value().length > 0,
        act: async () => {
            await put(aclAddress(path), { acl: fields.value(), version: node.stat.aversion });
            return true;
        },
    });
}
