// The view of the tree: all nodes at the left, the chosen one at the right.

import { h } from './dom.js';
import { nodeLink, parentOf } from './format.js';
import { NodePanel } from './node.js';
import { Tree } from './tree.js';

const WIDTH = 'zabd.tree-width';
const WIDTH_MIN = 160;

export function open(shell, route, who) {
    const tree = new Tree((path) => {
        location.hash = nodeLink(path);
    });
    const panel = new NodePanel(shell, who, (path) => {
        tree.refresh(path);
        tree.refresh(parentOf(path));
        tree.refresh(parentOf(parentOf(path)));
    });
    const side = h('div.tree-side', tree.element);
    const split = h('div.tree-view', side, divider(side), panel.element);
    shell.view.replaceChildren(split);
    let shown = null;
    const show = (path) => {
        if (path === shown) return;
        const first = shown === null;
        const in_tree = tree.element.contains(document.activeElement);
        shown = path;
        panel.open(path);
        tree.select(path).then(() => {
            const idle = document.activeElement === document.body || tree.element.contains(document.activeElement);
            if ((first || in_tree) && idle && shown === path) tree.focus();
        });
    };
    show(route.path);
    return {
        keys: panel.keys,
        unsaved: () => panel.unsaved(),
        move(to) {
            show(to.path);
            return true;
        },
        close() {
            tree.close();
            panel.close();
        },
    };
}

/// What is dragged, or moved with the arrow keys, to make the tree wider.
function divider(side) {
    const set = (width) => {
        const bounded = Math.max(WIDTH_MIN, Math.min(width, innerWidth * 0.6));
        side.style.setProperty('--tree-width', `${bounded}px`);
        localStorage.setItem(WIDTH, String(bounded));
        line.setAttribute('aria-valuenow', Math.round(bounded));
    };
    const line = h('div.divider', {
        role: 'separator',
        'aria-orientation': 'vertical',
        'aria-label': 'Width of the tree',
        tabindex: '0',
        on: {
            pointerdown: (event) => {
                line.setPointerCapture(event.pointerId);
                const offset = side.getBoundingClientRect().left;
                const drag = (move) => set(move.clientX - offset);
                line.addEventListener('pointermove', drag);
                line.addEventListener('pointerup', () => line.removeEventListener('pointermove', drag), { once: true });
            },
            keydown: (event) => {
                const step = { ArrowLeft: -20, ArrowRight: 20 }[event.key];
                if (step) set(side.getBoundingClientRect().width + step);
            },
        },
    });
    const known = Number(localStorage.getItem(WIDTH));
    if (known) set(known);
    return line;
}
