import { expect, keep, test } from '../stage.js';

const VIEWS = ['tree/app/config', 'sessions', 'ensemble', 'charts'];
const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const brightness = (colour) =>
    colour
        .match(/\d+/g)
        .slice(0, 3)
        .reduce((sum, part) => sum + Number(part), 0) / 3;

for (const scheme of ['light', 'dark']) {
    test(`${scheme}, as the system has it, and nothing hangs over the edge`, async ({ at, page }) => {
        await page.emulateMedia({ colorScheme: scheme });
        await at(VIEWS[0]);
        for (const view of VIEWS) {
            await page.evaluate((hash) => {
                location.hash = hash;
            }, `#/${view}`);
            await expect(page.locator('main .loading')).toHaveCount(0);
            await expect(page.locator('.server .badge')).toHaveText(/leader|follower/);
            await keep(page, `${scheme}-${view.split('/')[0]}`);
        }
        expect(brightness(await ground(page)) > 128).toBe(scheme === 'light');
        await page.setViewportSize({ width: 420, height: 860 });
        await page.evaluate((hash) => {
            location.hash = hash;
        }, `#/${VIEWS[0]}`);
        await expect(page.getByRole('region', { name: 'Data', exact: true })).toBeVisible();
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(420);
        await keep(page, `${scheme}-narrow`);
    });
}

test('the theme is switched by hand and stays so', async ({ at, page }) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await at('tree');
    const before = await ground(page);
    await page.getByRole('button', { name: 'Switch between light and dark' }).click();
    const after = await ground(page);
    expect(brightness(after)).toBeLessThan(brightness(before));
    await page.reload();
    await expect(page.getByRole('tree')).toBeVisible();
    expect(await ground(page)).toBe(after);
});
