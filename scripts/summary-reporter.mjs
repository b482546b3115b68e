// @ts-check
// A vitest reporter that ends the output with one plain line: `N passed, N failed` and, when there are any,
// `, N skipped`. Files that fail before they have tests count as one failure each.

export class SummaryReporter {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} errors thrown outside of any test
   */
  onTestRunEnd(modules, errors) {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      let inModule = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed += 1;
        else if (state === "failed") inModule += 1;
        else skipped += 1;
      }
      failed += inModule === 0 && module.state() === "failed" ? 1 : inModule;
    }
    const rest = skipped === 0 ? "" : `, ${skipped} skipped`;
    // Written last, after vitest's own summary.
    process.on("exit", () => {
      process.stdout.write(`\n${passed} passed, ${failed} failed${rest}\n`);
    });
  }
}
