import { data, expect, keep, row, test } from '../stage.js';

test('the tree is walked with the arrow keys', async ({ at }) => {
    const page = await at('tree');
    await expect(row(page, '/app')).toBeVisible();
    await expect(row(page, '/')).toBeFocused();
    for (
        let step = 0;
        step < 20 && !(await row(page, '/app').evaluate((one) => one === document.activeElement));
        ++step
    ) {
        await page.keyboard.press('ArrowDown');
    }
    await expect(row(page, '/app')).toBeFocused();
    await page.keyboard.press('ArrowRight');
    await expect(row(page, '/app')).toHaveAttribute('aria-expanded', 'true');
    await expect(row(page, '/app/config')).toBeVisible();
    await page.keyboard.press('ArrowRight');
    const first = await page.evaluate(() => document.activeElement.dataset.path);
    expect(first).toMatch(/^\/app\/[^/]+$/);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(new RegExp(`#/tree${first}$`));
    await page.keyboard.press('ArrowLeft');
    await expect(row(page, '/app')).toBeFocused();
    await page.keyboard.press('ArrowLeft');
    await expect(row(page, '/app')).toHaveAttribute('aria-expanded', 'false');
    await page.keyboard.press('End');
    await page.keyboard.press('Home');
    await expect(row(page, '/')).toBeFocused();
});

test('g and a letter go to each view, and ? lists the keys', async ({ at }) => {
    const page = await at('tree/app/flags');
    await expect(data(page)).toContainText('rollout');
    const views = {
        s: 'sessions',
        w: 'watches',
        l: 'locks',
        e: 'ensemble',
        c: 'charts',
        a: 'audit',
        o: 'settings',
        t: 'tree',
    };
    for (const [key, view] of Object.entries(views)) {
        await page.keyboard.press('g');
        await page.keyboard.press(key);
        await expect(page).toHaveURL(new RegExp(`#/${view}$`));
        await expect(page.locator(`nav a[data-view=${view}]`)).toHaveAttribute('aria-current', 'page');
    }
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible();
    await keep(page, 'keyboard');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('a node is edited and left without a mouse', async ({ at }) => {
    const page = await at('tree/app/flags');
    await expect(data(page)).toContainText('rollout');
    await page.keyboard.press('e');
    const editor = page.getByRole('textbox', { name: 'Data of /app/flags' });
    await expect(editor).toBeFocused();
    await page.keyboard.type('g s / ?'); // letters for the text, not for the page
    await expect(page).toHaveURL(/#\/tree\/app\/flags$/);
    await page.keyboard.press('Control+s');
    await expect(page.getByRole('region', { name: 'Your change' })).toBeVisible();
    await page.getByRole('button', { name: 'Go on editing' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(editor).toHaveCount(0);
    await page.keyboard.press('u');
    await expect(page).toHaveURL(/#\/tree\/app$/);
});
