// What the specs share: orders to the stage, a page that is signed in, screenshots to keep.

import { test as base, expect } from '@playwright/test';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SHOTS = fileURLToPath(new URL('../../build/page-screenshots/', import.meta.url));

/// What other clients do, and what happens to servers: see ORDERS in stage.py.
export async function order(name, what = {}) {
    const response = await fetch(`${process.env.ZABD_PAGE_STAGE}/${name}`, {
        method: 'POST',
        body: JSON.stringify(what),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${name}: ${answer.error}`);
    return answer;
}

/// `stage`: what stage.py tells. `at(view, {as, server})`: the page of a server, a follower's by default, signed in.
/// Whatever the page reports as an error fails the spec, but for refused calls, which specs provoke.
export const test = base.extend({
    stage: async ({}, use) => use(await order('tell')),
    at: async ({ page, stage }, use) => {
        const errors = [];
        page.on('pageerror', (error) => errors.push(error.stack));
        page.on('console', (message) => {
            if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
                errors.push(message.text());
        });
        await use(async (view, { as = 'operator', server = stage.followers[0] } = {}) => {
            const credentials = { header: `Bearer ${stage[as]}`, curl: '-H "Authorization: Bearer $ZABD_TOKEN"' };
            await page.addInitScript(
                (value) => sessionStorage.setItem('zabd.credentials', JSON.stringify(value)),
                credentials,
            );
            await page.goto(`${stage.pages[server]}/#/${view}`);
            await expect(page.getByRole('navigation', { name: 'Views' })).toBeVisible();
            return page;
        });
        expect(errors).toEqual([]);
    },
});

export { expect };

export const keep = (page, name) => page.screenshot({ path: path.join(SHOTS, `${name}.png`) });

/// The row of a node in the tree.
export const row = (page, znode) => page.locator(`[role=treeitem][data-path="${znode}"]`);
export const data = (page) => page.getByRole('region', { name: 'Data', exact: true });
