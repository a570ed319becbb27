// The openclaw command under the name that container commands know: `node dist/index.js`.
// It adds nothing to cli/main.ts.
import "./cli/main.ts";
