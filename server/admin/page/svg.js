// Drawn elements, and the icons: strokes on a field of 16 by 16, coloured by the text around them.

export function svg(name, attributes = {}, ...children) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
}

const ICONS = {
    tree: 'M3 3h4v3H3zM9 8h4v2.5H9zM9 11.5h4M5 6v6.5h4M5 9.2h4',
    search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14',
    sessions: 'M8 2.5a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2zM3 13.5c.4-2.6 2.4-4 5-4s4.6 1.4 5 4',
    watches:
        'M1.5 8S4 3.7 8 3.7 14.5 8 14.5 8 12 12.3 8 12.3 1.5 8 1.5 8z' +
        'M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
    locks: 'M3.5 7h9v6.5h-9zM5.3 7V5a2.7 2.7 0 0 1 5.4 0v2',
    ensemble:
        'M8 2.2a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4z' +
        'M3.5 10.2a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4z' +
        'M12.5 10.2a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4zM7.2 5.5 4.3 10.3M8.8 5.5l2.9 4.8' +
        'M5.2 11.9h5.6',
    charts: 'M2.5 2.5v11h11M4.8 10.5l2.5-3.7 2.4 2 3.3-4.6',
    audit: 'M4 2.5h6l2.5 2.5v8.5H4zM6 7.5h4.5M6 10h4.5',
    settings: 'M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3',
    copy: 'M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1',
    edit: 'M3 13l.6-2.8 7.4-7.4 2.2 2.2-7.4 7.4zM9.5 4.3l2.2 2.2',
    plus: 'M8 3v10M3 8h10',
    trash: 'M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9',
    chevron: 'M6 4l4 4-4 4',
    refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.7h-2.7',
    sun:
        'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3' +
        'M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
    help: 'M6 6.2a2 2 0 1 1 3 1.7c-.7.4-1 .8-1 1.6M8 11.7v.4M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8z',
    out: 'M9.5 2.5h-6v11h6M6.5 8h7M11 5.5 13.5 8 11 10.5',
    close: 'M4 4l8 8M12 4l-8 8',
    check: 'M3 8.5l3.2 3.2L13 4.8',
    up: 'M8 13V3.5M4 7.5l4-4 4 4',
    right: 'M3 8h10M9 4l4 4-4 4',
};

export function icon(name) {
    const drawn = svg('svg', { viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true' });
    drawn.append(svg('path', { d: ICONS[name] }));
    return drawn;
}
