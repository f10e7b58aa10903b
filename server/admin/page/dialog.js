// Dialogs and passing notes.

import { h, errorBox } from './dom.js';
import { icon } from './svg.js';

/// A modal dialog. `body(close)` gives its content; resolves to what close() was given, undefined if dismissed.
export function dialog(title, body, kind = '') {
    return new Promise((resolve) => {
        const box = h('dialog', { class: kind, 'aria-label': title });
        let result;
        const close = (value) => {
            result = value;
            box.close();
        };
        box.addEventListener('close', () => {
            box.remove();
            resolve(result);
        });
        box.append(
            h(
                'header',
                h('h2', title),
                h(
                    'button.icon-button',
                    { type: 'button', 'aria-label': 'Close', on: { click: () => close() } },
                    icon('close'),
                ),
            ),
            body(close),
        );
        document.body.append(box);
        box.showModal();
        box.querySelector('[autofocus], input, textarea, select')?.focus();
    });
}

/// A dialog with a form whose button calls `act`, which throws to keep it open with the error shown.
/// `ready()` tells whether the button may be pressed.
export function formDialog(title, content, { button, danger = false, act, ready = () => true, kind = '' }) {
    return dialog(
        title,
        (close) => {
            const trouble = h('div.trouble');
            const go = h('button', { class: danger ? 'danger' : 'primary', type: 'submit' }, button);
            const check = () => {
                go.disabled = !ready();
            };
            const form = h(
                'form',
                {
                    on: {
                        input: check,
                        change: check,
                        submit: async (event) => {
                            event.preventDefault();
                            if (!ready()) return;
                            go.disabled = true;
                            trouble.replaceChildren();
                            try {
                                close(await act());
                            } catch (error) {
                                trouble.replaceChildren(errorBox(error));
                                check();
                            }
                        },
                    },
                },
                content,
                trouble,
                h('footer', h('button', { type: 'button', on: { click: () => close() } }, 'Cancel'), go),
            );
            check();
            return form;
        },
        kind,
    );
}

/// A yes that takes one click; `typed`: it must be written out first.
export function confirmAction(title, explanation, { button, typed = null, act }) {
    const field =
        typed === null
            ? null
            : h('input', {
                  type: 'text',
                  autocomplete: 'off',
                  spellcheck: 'false',
                  autofocus: true,
                  'aria-label': `Type ${typed} to confirm`,
              });
    const content = h('div.stack', explanation, field && h('label', 'Type ', h('code', typed), ' to confirm', field));
    return formDialog(title, content, { button, danger: true, act, ready: () => !field || field.value === typed });
}

/// Says something for a few seconds. Errors stay until dismissed.
export function note(text, kind = 'good') {
    let list = document.querySelector('.notes');
    if (!list) {
        list = h('div.notes', { role: 'status', 'aria-live': 'polite' });
        document.body.append(list);
    }
    const dismiss = () => one.remove();
    const one = h(
        'div.note',
        { class: kind },
        h('span', text),
        h('button.icon-button', { type: 'button', 'aria-label': 'Dismiss', on: { click: dismiss } }, icon('close')),
    );
    list.append(one);
    while (list.children.length > 4) list.firstChild.remove();
    if (kind !== 'bad') setTimeout(dismiss, 5000);
}
