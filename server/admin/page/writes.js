// Creating and deleting nodes.

import { aclFields } from './acl.js';
import { get, post, remove } from './api.js';
import { confirmAction, formDialog } from './dialog.js';
import { h } from './dom.js';
import { bytes, childOf, count, nameOf, treeAddress } from './format.js';

const OPEN = [{ scheme: 'world', id: 'anyone', perms: 'cdrwa' }];

/// Resolves to the new node's path; undefined if it was left.
export function createChild(parent) {
    const name = h('input', { type: 'text', autofocus: true, spellcheck: 'false', autocomplete: 'off', name: 'name' });
    const mode = h(
        'select',
        { name: 'mode' },
        ['persistent', 'container', 'ttl'].map((one) => h('option', { value: one }, one)),
    );
    const sequential = h('input', { type: 'checkbox', name: 'sequential' });
    const ttl = h('input', { type: 'number', min: 1, value: 3600000, name: 'ttl' });
    const data = h('textarea', { rows: 6, spellcheck: 'false', name: 'data' });
    const acl = aclFields(OPEN);
    const ttl_field = h('label', { hidden: true }, 'Time to live, ms', ttl);
    mode.addEventListener('change', () => {
        ttl_field.hidden = mode.value !== 'ttl';
        sequential.disabled = mode.value === 'container';
    });
    const content = h(
        'div.stack',
        h('label', 'Name', name),
        h(
            'div.columns',
            h('label', 'Kind', mode),
            ttl_field,
            h('label.choice', sequential, 'number appended by the server'),
        ),
        h('label', 'Data', data),
        h('details', h('summary', 'Access'), acl.element),
    );
    return formDialog(`New node below ${parent}`, content, {
        button: 'Create',
        ready: () => sequential.checked || /^[^/]+$/.test(name.value),
        act: async () => {
            const body = {
                data: { format: 'text', value: data.value },
                acl: acl.value(),
                mode: mode.value,
                sequential: sequential.checked && mode.value !== 'container',
            };
            if (mode.value === 'ttl') body.ttl_ms = Number(ttl.value);
            return (await post(treeAddress(childOf(parent, name.value)), body)).path;
        },
    });
}

/// Resolves to true if it was deleted. With children, all goes, after the name was written out.
export function deleteNode(node) {
    const { path, stat } = node;
    if (stat.num_children === 0) {
        return confirmAction(
            `Delete ${nameOf(path)}`,
            h(
                'p',
                h('code', path),
                ` with its ${bytes(stat.data_length)} of data goes for good, if it still has version ${stat.version}.`,
            ),
            {
                button: 'Delete',
                act: async () => {
                    await remove(treeAddress(path), { version: stat.version });
                    return true;
                },
            },
        );
    }
    const size = h('span.quiet', 'Counting what is below');
    get(treeAddress(path), { size: true }).then(
        (below) => {
            size.className = '';
            const least = below.complete ? '' : 'At least ';
            const ephemerals = `${count(below.ephemerals)} of them ephemeral`;
            size.textContent = `${least}${count(below.nodes)} nodes, ${ephemerals}, ${bytes(below.bytes)}.`;
        },
        (error) => {
            size.textContent = error.message;
        },
    );
    return confirmAction(
        `Delete ${nameOf(path)} and all below`,
        h('div.stack', h('p', h('code', path), ' and everything below it goes for good.'), h('p', size)),
        {
            button: 'Delete all',
            typed: nameOf(path),
            act: async () => {
                await remove(treeAddress(path), { version: -1, recursive: true });
                return true;
            },
        },
    );
}
