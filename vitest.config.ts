import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules', 'dist', 'build'],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    setupFiles: ['./properties.setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
  },
});
