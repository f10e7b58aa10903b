// One chart: lines over time, in SVG, so that the theme colours it; what the pointer is at is read out in its head.

import { h } from './dom.js';
import { clock, figure } from './format.js';
import { svg } from './svg.js';

const WIDTH = 480;
const HEIGHT = 110;
const BUCKETS = 240; // points drawn; each the highest of its seconds, so that no peak is lost

export class Chart {
    /// lines: [[column, name]]. `point(share)` is told where between left (0) and right (1) the pointer is; null: gone.
    constructor({ title, unit, lines, from_zero = true }, point) {
        Object.assign(this, { title, unit, lines, from_zero });
        this.values = h('span.chart-values');
        this.cursor = svg('line', { class: 'cursor', y1: 0, y2: HEIGHT, x1: -1, x2: -1 });
        this.plots = lines.map((_, i) => svg('path', { class: `plot plot-${i}` }));
        this.area = svg('path', { class: 'plot-area' });
        this.grid = [0.25, 0.5, 0.75].map((share) =>
            svg('line', { class: 'grid', x1: 0, x2: WIDTH, y1: HEIGHT * share, y2: HEIGHT * share }),
        );
        this.top = h('span.chart-top');
        this.bottom = h('span.chart-bottom');
        this.from = h('span');
        this.until = h('span');
        this.box = svg(
            'svg',
            { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': title },
            ...this.grid,
            this.area,
            ...this.plots,
            this.cursor,
        );
        this.box.addEventListener('pointermove', (event) => {
            const frame = this.box.getBoundingClientRect();
            point((event.clientX - frame.left) / frame.width);
        });
        this.box.addEventListener('pointerleave', () => point(null));
        this.element = h(
            'section.chart',
            { 'aria-label': title },
            h('header', h('h3', title), this.values),
            h('div.chart-box', this.top, this.bottom, this.box),
            h('div.chart-axis', this.from, this.until),
        );
        this.history = null;
        this.share = null;
    }

    update(history) {
        this.history = history;
        const present = this.lines.map(([column]) => history.columns.indexOf(column));
        const from = history.until - history.seconds * 1000;
        this.series = present.map((index) => (index < 0 ? [] : buckets(history.points, index, from, history.until)));
        const values = this.series.flat().filter((value) => value !== null);
        const high = values.length ? Math.max(...values) : 0;
        const low = this.from_zero || !values.length ? 0 : Math.min(...values);
        this.high = this.from_zero ? rounded(high, low) : high;
        this.low = low === high && !this.from_zero ? Math.max(0, low - 1) : low;
        this.series.forEach((series, i) => this.plots[i].setAttribute('d', this.#path(series)));
        this.area.setAttribute('d', this.#area(this.series[0]));
        this.top.textContent = `${figure(this.high)}${this.unit ? ` ${this.unit}` : ''}`;
        this.bottom.textContent = this.from_zero ? '' : figure(this.low);
        this.from.textContent = clock(from);
        this.until.textContent = clock(history.until);
        this.point(this.share);
    }

    /// Reads out at `share` of the width, or the last if null; the time of it in ms, or null.
    point(share) {
        this.share = share;
        if (!this.history) return null;
        const { points, until, seconds, columns } = this.history;
        const from = until - seconds * 1000;
        const x = share === null ? -1 : Math.max(0, Math.min(1, share)) * WIDTH;
        this.cursor.setAttribute('x1', x);
        this.cursor.setAttribute('x2', x);
        const wanted = share === null ? until : from + share * seconds * 1000;
        const at = nearest(points, wanted);
        this.values.replaceChildren(
            ...this.lines
                .filter(([column]) => columns.includes(column))
                .map(([column, name], i) => {
                    const value = at?.row[columns.indexOf(column)];
                    return h(
                        'span.chart-value',
                        h('span.legend', { class: `legend-${i}` }),
                        this.lines.length > 1 ? `${name} ` : '',
                        h('b', figure(value)),
                        this.unit ? ` ${this.unit}` : '',
                    );
                }),
        );
        return share === null ? null : (at?.at ?? null);
    }

    #y(value) {
        return HEIGHT - ((value - this.low) / Math.max(1e-9, this.high - this.low)) * (HEIGHT - 4) - 1;
    }

    #path(series) {
        let path = '';
        let pen = 'M';
        series.forEach((value, i) => {
            if (value === null) {
                pen = 'M';
                return;
            }
            const lone = pen === 'M' && (series[i + 1] ?? null) === null;
            const at = `${((i * WIDTH) / (BUCKETS - 1)).toFixed(1)} ${this.#y(value).toFixed(1)}`;
            path += `${pen}${at}${lone ? 'h0.1' : ''}`;
            pen = 'L';
        });
        return path;
    }

    #area(series) {
        const first = series.findIndex((value) => value !== null);
        if (first < 0) return '';
        const x = (i) => ((i * WIDTH) / (BUCKETS - 1)).toFixed(1);
        let last = first;
        series.forEach((value, i) => {
            if (value !== null) last = i;
        });
        const points = series
            .slice(first, last + 1)
            .map((value, i) => `L${x(first + i)} ${this.#y(value ?? this.low).toFixed(1)}`)
            .join('');
        return `M${x(first)} ${HEIGHT}${points}L${x(last)} ${HEIGHT}Z`;
    }
}

function buckets(points, index, from, until) {
    const out = Array(BUCKETS).fill(null);
    for (const { at, row } of points) {
        const value = row[index];
        if (value === null || value === undefined || at < from) continue;
        const bucket = Math.min(BUCKETS - 1, Math.floor(((at - from) / (until - from)) * BUCKETS));
        out[bucket] = Math.max(out[bucket] ?? value, value);
    }
    // Fewer seconds than buckets leave holes between two that are known; a longer hole is one.
    const reach = Math.ceil((BUCKETS * 2500) / (until - from));
    let last = -1;
    for (let i = 0; i < BUCKETS; ++i) {
        if (out[i] === null) continue;
        if (last >= 0 && i - last <= reach) for (let j = last + 1; j < i; ++j) out[j] = out[last];
        last = i;
    }
    return out;
}

function nearest(points, wanted) {
    let low = 0;
    let high = points.length - 1;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (points[middle].at < wanted) low = middle + 1;
        else high = middle;
    }
    return points[low] ?? null;
}

/// The next of 1, 2, 5 times a power of ten above `high`.
function rounded(high, low) {
    if (high <= low) return low + 1;
    const power = 10 ** Math.floor(Math.log10(high));
    return [1, 1.5, 2, 3, 4, 5, 7, 10].map((step) => step * power).find((step) => step >= high);
}
