// Keys that work in every view, and the page that lists all.

import { dialog } from './dialog.js';
import { h } from './dom.js';
import { VIEWS } from './shell.js';

const CHORD_MS = 1500;

/// `view()` gives the open view, whose `keys` ({letter: function}) come after those of the page.
export function keys(shell, view) {
    let chord_until = 0;
    document.addEventListener('keydown', (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
        const typing = event.target.closest?.('input, textarea, select');
        if (typing) {
            if (event.key === 'Escape' && event.target === shell.search) shell.view.focus();
            return;
        }
        if (!shell.element.isConnected) return;
        if (Date.now() < chord_until) {
            chord_until = 0;
            const to = VIEWS.find((one) => one.key === event.key);
            if (to) {
                location.hash = `#/${to.name}`;
                event.preventDefault();
            }
            return;
        }
        const act = {
            g: () => {
                chord_until = Date.now() + CHORD_MS;
            },
            '/': () => {
                shell.search.focus();
                shell.search.select();
            },
            '?': () => showHelp(),
            ...view()?.keys,
        }[event.key];
        if (!act) return;
        event.preventDefault();
        act();
    });
}

export function showHelp() {
    const row = (keys_of, what) =>
        h(
            'tr',
            h(
                'td',
                keys_of.map((key) => h('kbd', key)),
            ),
            h('td', what),
        );
    const group = (title, rows) => h('section', h('h3', title), h('table', h('tbody', rows)));
    return dialog(
        'Keyboard',
        () =>
            h(
                'div.help-columns',
                group(
                    'Go to',
                    VIEWS.map((view) => row(['g', view.key], view.title)),
                ),
                h(
                    'div',
                    group('Everywhere', [
                        row(['/'], 'Search, or go to a path'),
                        row(['?'], 'This list'),
                        row(['Esc'], 'Close, leave'),
                    ]),
                    group('In the tree', [
                        row(['↑', '↓'], 'Previous, next node'),
                        row(['→'], 'Open the branch, then its first child'),
                        row(['←'], 'Close the branch, then the parent'),
                        row(['Enter'], 'Show the node'),
                        row(['Home', 'End'], 'First, last'),
                    ]),
                    group('At a node', [
                        row(['e'], 'Edit the data'),
                        row(['n'], 'Create a child'),
                        row(['y'], 'Copy the path'),
                        row(['u'], 'Up to the parent'),
                        row(['Ctrl', 'S'], 'While editing: review, then save'),
                    ]),
                ),
            ),
        'wide',
    );
}
