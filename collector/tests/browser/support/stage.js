// What every file of tests here stands on: a collector of its own and a browser to look at it with,
// started before the file's first test and stopped after its last.

import { after } from "node:test";

import { Agent } from "./agent.js";
import { Collector } from "./collector.js";

export const agent = await Agent.start();
export const collector = await Collector.start();

after(async () => {
  await agent.stop();
  await collector.stop();
});
