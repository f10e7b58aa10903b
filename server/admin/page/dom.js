// Building elements. Text, a znode's above all, only ever becomes text nodes and attribute values, never markup.

import { icon } from './svg.js';

/// h('button.quiet', {title: 'x', on: {click}}, 'Save', icon('check')): null and false children are left out.
export function h(tag, properties, ...children) {
    const [name, ...classes] = tag.split('.');
    const element = document.createElement(name || 'div');
    if (classes.length) element.className = classes.join(' ');
    if (properties instanceof Node || typeof properties !== 'object' || Array.isArray(properties)) {
        children.unshift(properties);
        properties = null;
    }
    for (const [key, value] of Object.entries(properties ?? {})) set(element, key, value);
    element.append(
        ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
    );
    return element;
}

function set(element, key, value) {
    if (value === null || value === undefined || value === false) return;
    if (key === 'on') {
        for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (key === 'data') {
        Object.assign(element.dataset, value);
    } else if (key === 'class') {
        element.classList.add(...value.split(' ').filter(Boolean));
    } else if (key === 'value' || key === 'checked' || key === 'disabled' || key === 'hidden' || key === 'selected') {
        element[key] = value;
    } else {
        element.setAttribute(key, value === true ? '' : value);
    }
}

/// A button that is an icon; `label` is its name for all who do not see it, and its tooltip.
export function iconButton(name, label, click, more = {}) {
    return h(
        'button.icon-button',
        { type: 'button', title: label, 'aria-label': label, on: { click }, ...more },
        icon(name),
    );
}

/// Copies and says so where it was clicked.
export function copyButton(label, text, face = null) {
    const button = h(
        'button',
        { type: 'button', title: label, 'aria-label': label, class: face ? 'link' : 'icon-button' },
        face ?? icon('copy'),
    );
    button.addEventListener('click', async () => {
        const done = await copy(typeof text === 'function' ? text() : text);
        button.classList.toggle('copied', done);
        button.classList.toggle('not-copied', !done);
        setTimeout(() => button.classList.remove('copied', 'not-copied'), 1200);
    });
    return button;
}

/// The clipboard API exists only on secure origins, and an admin port is often plain http on another host.
export async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        const area = h('textarea.off-screen', { value: text, 'aria-hidden': 'true' });
        document.body.append(area);
        area.select();
        const done = document.execCommand('copy');
        area.remove();
        return done;
    }
}

/// Marks what has just changed; the style lets it fade.
export function flash(element) {
    element.classList.remove('flash');
    void element.offsetWidth; // so that the animation begins anew
    element.classList.add('flash');
}

export function empty(title, ...hint) {
    return h('div.empty', h('p.empty-title', title), hint.length ? h('p', ...hint) : null);
}

export function loading(what = 'Loading') {
    return h('div.loading', { role: 'status' }, h('span.spinner'), what);
}

/// An error where it happened: the server's own words, and what can be done.
export function errorBox(error, retry = null) {
    return h(
        'div.error-box',
        { role: 'alert' },
        h('strong', error.code ?? 'Error'),
        ' ',
        h('span', error.message),
        retry ? h('button.small', { type: 'button', on: { click: retry } }, 'Try again') : null,
    );
}

export function badge(text, kind = '') {
    return h('span.badge', { class: kind }, text);
}

export function panel(title, tools, ...body) {
    return h(
        'section.panel',
        { 'aria-label': title },
        h('header', h('h2', title), h('div.tools', tools)),
        h('div.body', ...body),
    );
}
