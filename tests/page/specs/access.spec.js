import { data, expect, keep, order, test } from '../stage.js';

test('the page asks who you are, says when the token is wrong, and forgets on signing out', async ({ page, stage }) => {
    const prompts = [];
    page.on('dialog', (dialog) => prompts.push(dialog.message()));
    await page.goto(`${stage.pages[stage.followers[0]]}/#/tree/app/flags`);
    await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible();
    await keep(page, 'sign-in');
    await page.getByLabel('Token', { exact: true }).last().fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toBeVisible();
    await page.getByLabel('Token', { exact: true }).last().fill(stage.operator);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(data(page)).toContainText('rollout=25');
    await page.reload();
    await expect(data(page)).toContainText('rollout=25');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible();
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
    expect(prompts).toEqual([]);
});

test('who may only read is offered nothing else', async ({ at }) => {
    const page = await at('tree/app/flags', { as: 'reader' });
    await expect(data(page)).toContainText('rollout=25');
    await expect(page.locator('.role')).toHaveText('read-only');
    for (const name of ['Edit', 'New child', 'Delete', 'Edit the access control list']) {
        await expect(page.getByRole('button', { name, exact: true })).toHaveCount(0);
    }
    await keep(page, 'read-only');
    await page.keyboard.press('e');
    await expect(page.getByRole('textbox', { name: 'Data of /app/flags' })).toHaveCount(0);
    await page.evaluate(() => {
        location.hash = '#/settings';
    });
    await expect(page.getByRole('region', { name: 'Log level' })).toContainText('info');
    await expect(page.getByRole('combobox', { name: 'Log level' })).toHaveCount(0);
});

test('the secret is in no address, and not in the copied command line', async ({ at, stage, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await at('tree/app/flags');
    const addresses = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.reload();
    await expect(data(page)).toContainText('rollout=25');
    await page.getByRole('button', { name: 'Copy as a curl command' }).click();
    const command = await page.evaluate(() => navigator.clipboard.readText());
    expect(command).toContain('curl -s -H "Authorization: Bearer $ZABD_TOKEN" \'http://');
    expect(command).not.toContain(stage.operator);
    expect(addresses.filter((one) => one.includes(stage.operator))).toEqual([]);
    expect(addresses.every((one) => one.startsWith(stage.pages[stage.followers[0]]))).toBe(true);
});

test('an error is shown where it happened, in the server’s words', async ({ at }) => {
    const page = await at('search?q=%5B&match=regex');
    await expect(page.locator('main').getByRole('alert')).toContainText('BadArguments');
    await order('set', { path: '/access/parent', data: '' });
    await page.evaluate(() => {
        location.hash = '#/tree/access/parent';
    });
    await page.getByRole('button', { name: 'New child' }).click();
    await page.getByLabel('Name', { exact: true }).fill('.');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await expect(page.getByRole('dialog').getByRole('alert')).toContainText('BadArguments');
});
