// Where the files that come with this program lie: its version, its page, scripts and profiles. The same from the sources (`src/api`) as from what is
// built of them (`dist/program`): both are two folders deep. It looks at nothing.
import { fileURLToPath } from "node:url";

/** @param path from the root of the checkout or the image, such as `package.json`. @returns absolute */
export const toPackageFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
