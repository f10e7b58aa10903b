// A list that comes page by page and is read again while it is looked at: as much as is shown, from the beginning.

import { get } from './api.js';
import { errorBox, h, loading } from './dom.js';
import { count } from './format.js';
import { poll } from './poll.js';

const PAGE = 100;
const PAGE_MAX = 1000;

export class Paged {
    /// path, parameters() of the call; items(answer) of it; draw(items, answer) shows them.
    constructor({ path, parameters = () => ({}), items, draw, interval_ms = 4000 }) {
        Object.assign(this, { path, parameters, items, draw });
        this.shown = [];
        this.next = null;
        this.status = h('div.status', loading());
        this.poll = poll(interval_ms, (signal) => this.#read(signal));
    }

    stop() {
        this.poll.stop();
    }

    now() {
        return this.poll.now();
    }

    async #read(signal) {
        try {
            const limit = Math.min(PAGE_MAX, Math.max(PAGE, this.shown.length));
            const answer = await get(this.path, { ...this.parameters(), limit }, signal);
            const fresh = this.items(answer);
            // What lies beyond one call's worth stays as it was read.
            if (this.shown.length > PAGE_MAX && answer.next) this.shown = [...fresh, ...this.shown.slice(fresh.length)];
            else [this.shown, this.next] = [fresh, answer.next];
            this.#draw(answer);
        } catch (error) {
            if (!signal.aborted) this.status.replaceChildren(errorBox(error, () => this.now()));
        }
    }

    async more() {
        try {
            const answer = await get(this.path, { ...this.parameters(), limit: PAGE, cursor: this.next });
            this.shown = [...this.shown, ...this.items(answer)];
            this.next = answer.next;
            this.#draw(answer);
        } catch (error) {
            this.status.replaceChildren(errorBox(error, () => this.more()));
        }
    }

    #draw(answer) {
        this.draw(this.shown, answer);
        const of = answer.total === undefined ? '' : ` of ${count(answer.total)}`;
        this.status.replaceChildren(
            this.next
                ? h(
                      'button.link',
                      { type: 'button', on: { click: () => this.more() } },
                      `Show more: ${count(this.shown.length)}${of}`,
                  )
                : '',
        );
    }
}
