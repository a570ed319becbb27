// Commands that are handed to execs that wait, as most are. Those that the engine begins are docker-exec-anew.engine.test.ts's.
import { describeExec } from "./docker-exec.fixture.ts";

describeExec("prestarted");
