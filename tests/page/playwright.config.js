// The page against a live ensemble. tests/e2e/test_page.py starts that and tells where it is in ZABD_PAGE_STAGE.

import { defineConfig } from '@playwright/test';

export default defineConfig({
    testDir: 'specs',
    outputDir: '../../build/page-results',
    workers: 1, // one ensemble, and the specs change it
    timeout: 20000,
    expect: { timeout: 8000 },
    reporter: 'list',
    use: {
        viewport: { width: 1440, height: 860 },
        actionTimeout: 8000,
        screenshot: 'only-on-failure',
        launchOptions: { executablePath: process.env.ZABD_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
    },
});
