// Every tool of the gateway. What each does is in its own file.
import { applyPatchTool } from "./apply-patch.ts";
import { browserTool } from "./browser.ts";
import { editTool } from "./edit.ts";
import { execTool } from "./exec.ts";
import { processTool } from "./process.ts";
import { readTool } from "./read.ts";
import { SESSION_TOOLS } from "./sessions.ts";
import type { Tool } from "./tool.ts";
import { writeTool } from "./write.ts";

export const TOOLS: readonly Tool[] = [execTool, processTool, readTool, writeTool, editTool, applyPatchTool, browserTool, ...SESSION_TOOLS];

export const findTool = (name: string): Tool | undefined => TOOLS.find((tool) => tool.name === name);
