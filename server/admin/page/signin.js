// The sign-in form: a token, or a user and password.

import { useToken, usePassword } from './api.js';
import { h } from './dom.js';

/// `trouble`: why the last credentials were refused, or null. `done` is called with new ones in place, not yet tried.
export function signIn(trouble, done) {
    const token = h('input', {
        type: 'password',
        name: 'token',
        autocomplete: 'current-password',
        spellcheck: 'false',
        autofocus: true,
    });
    const user = h('input', { type: 'text', name: 'user', autocomplete: 'username', spellcheck: 'false' });
    const password = h('input', { type: 'password', name: 'password', autocomplete: 'current-password' });
    const by_token = h('label', 'Token', token);
    const by_password = h('div.stack', { hidden: true }, h('label', 'User', user), h('label', 'Password', password));
    const way = (text, checked, choose) =>
        h('label.choice', h('input', { type: 'radio', name: 'way', checked, on: { change: choose } }), text);
    const choose = (with_token) => {
        by_token.hidden = !with_token;
        by_password.hidden = with_token;
        (with_token ? token : user).focus();
    };
    const submit = (event) => {
        event.preventDefault();
        if (!by_token.hidden && token.value.trim()) useToken(token.value.trim());
        else if (!by_password.hidden && user.value) usePassword(user.value, password.value);
        else return;
        done();
    };
    const form = h(
        'form.sign-in',
        { 'aria-label': 'Sign in', on: { submit } },
        h('div.brand', h('span.mark'), h('span', 'zabd')),
        h('p', 'This server asks who you are. ', h('span.quiet', location.host)),
        trouble ? h('div.error-box', { role: 'alert' }, trouble) : null,
        h(
            'div.choices',
            way('Token', true, () => choose(true)),
            way('User and password', false, () => choose(false)),
        ),
        by_token,
        by_password,
        h('button.primary', { type: 'submit' }, 'Sign in'),
        h('p.hint', 'Kept in this tab until you close it or sign out.'),
    );
    queueMicrotask(() => token.focus());
    return h('div.start', form);
}
