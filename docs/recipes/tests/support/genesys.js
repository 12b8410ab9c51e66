// Runs a data action and the flow that calls it as Genesys documents them: templates in Velocity,
// answers through the translation map into the output contract, expressions of the flow as far as
// the recipe uses them.

import assert from "node:assert/strict";
import Ajv from "ajv";
import { JSONPath } from "jsonpath-plus";
import velocity from "velocityjs";

// Genesys' own limit for a request of a data action; the flow's `timeout` is shorter.
const ACTION_TIMEOUT_MS = 15_000;

// Genesys' macro: what may stand between the quotes of a JSON string.
const esc = {
  jsonString(text) {
    assert.equal(typeof text, "string", "Velocity would print the reference of what is not set");
    return JSON.stringify(text).slice(1, -1);
  },
};

export class DataAction {
  constructor(definition, { origin, credentials }) {
    const { config, contract } = definition;
    this.request = config.request;
    this.response = config.response;
    this.origin = origin;
    this.credentials = credentials;
    // The outputs whose path led to nothing.
    this.defaulted = [];
    const ajv = new Ajv({ strict: true, allErrors: true });
    this.takes = ajv.compile(contract.input.inputSchema);
    this.gives = ajv.compile(contract.output.successSchema);
  }

  // What would be sent. Every reference must have been replaced.
  render(input) {
    assert.ok(this.takes(input), JSON.stringify(this.takes.errors));
    const context = { input, credentials: this.credentials, esc };
    const fill = (template) => {
      const text = velocity.render(template, context);
      assert.ok(!/\$!?\{|\$!?esc|\$input/.test(text), `left to fill in: ${text}`);
      return text;
    };
    const { requestUrlTemplate, requestType, headers, requestTemplate } = this.request;
    return {
      url: fill(requestUrlTemplate).replace("https://calls.example.com", this.origin),
      method: requestType,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, fill(value)]),
      ),
      body: fill(requestTemplate),
    };
  }

  // The action's output, by its contract. An answer other than 2xx fails, and its body is lost: a
  // call flow cannot read it.
  async execute(input, timeoutMs = ACTION_TIMEOUT_MS) {
    const { url, ...request } = this.render(input);
    JSON.parse(request.body);
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) throw new Error(`the web service answered ${answer.status}`);
    const raw = await answer.json();
    const { translationMap, translationMapDefaults, successTemplate } = this.response;
    const values = Object.entries(translationMap).map(([name, path]) => {
      const [value] = JSONPath({ path, json: raw ?? {} });
      if (value !== undefined) return [name, JSON.stringify(value)];
      this.defaulted.push(name);
      return [name, translationMapDefaults[name]];
    });
    const output = JSON.parse(velocity.render(successTemplate, Object.fromEntries(values)));
    assert.ok(this.gives(output), JSON.stringify(this.gives.errors));
    return output;
  }
}

const FUNCTIONS = {
  IsNotSetOrEmpty: (text) => text === undefined || text === "",
  Contains: (text, part) => (text ?? "").includes(part),
  If: (condition, yes, no) => (condition ? yes : no),
};

export class InboundCall {
  // `dialled` is what the caller dials, `uui` what Genesys decoded of the SIP header.
  constructor(flow, { action, conversationId, ani, dialled, uui }) {
    this.flow = flow;
    this.action = action;
    this.dialled = dialled;
    this.participant = {};
    this.steps = [];
    this.Call = { ConversationId: conversationId, Ani: ani, UUIData: uui };
    this.Flow = Object.fromEntries(flow.variables.map((one) => {
      const { name, initialValue } = Object.values(one)[0];
      return [name.replace(/^Flow\./, ""), initialValue.noValue ? undefined : initialValue.lit];
    }));
  }

  async run() {
    const [, refId] = this.flow.startUpRef.match(/task\[(.+)\]/);
    await this.#all(this.flow.tasks.find(({ task }) => task.refId === refId).task.actions);
    return this;
  }

  // Whether the call ended, by a transfer or otherwise.
  async #all(actions = []) {
    for (const action of actions) {
      const [[kind, body]] = Object.entries(action);
      this.steps.push(kind);
      if (await this.#one(kind, body)) return true;
    }
    return false;
  }

  async #one(kind, body) {
    const output = (name) => this.#all(body.outputs?.[name]?.actions);
    switch (kind) {
      case "decision":
        return output(this.#value(body.condition) ? "yes" : "no");
      case "collectInput": {
        const collected = this.dialled?.length === body.digits.exact;
        if (collected) this.#set(body.inputData.var, this.dialled);
        return output(collected ? "success" : "failure");
      }
      case "updateData":
        for (const { string } of body.statements) {
          this.#set(string.variable, this.#value(string.value));
        }
        return false;
      case "setParticipantData":
        for (const { attribute } of body.attributes) {
          this.participant[attribute.name.lit] = this.#value(attribute.value);
        }
        return false;
      case "callData":
        return output(await this.#ask(body));
      case "transferToAcd":
        this.queue = body.targetQueue.lit.name;
        return true;
      case "disconnect":
        return true;
      default:
        throw new Error(`no such action: ${kind}`);
    }
  }

  async #ask({ category, timeout }) {
    const { inputs, successOutputs } = Object.values(Object.values(category)[0].dataAction)[0];
    const input = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, this.#value(value)]),
    );
    try {
      const found = await this.action.execute(input, timeout.lit.seconds * 1_000);
      for (const [name, { var: variable }] of Object.entries(successOutputs)) {
        this.#set(variable, found[name]);
      }
      return "success";
    } catch (error) {
      return error.name === "TimeoutError" ? "timeout" : "failure";
    }
  }

  #set(variable, value) {
    const name = variable.replace(/^Flow\./, "");
    assert.ok(name in this.Flow, `${variable} is declared`);
    this.Flow[name] = value;
  }

  #value(value) {
    if ("lit" in value) return value.lit;
    const names = Object.keys(FUNCTIONS);
    const read = new Function("Flow", "Call", ...names, `return (${value.exp});`);
    return read(this.Flow, this.Call, ...names.map((name) => FUNCTIONS[name]));
  }
}
