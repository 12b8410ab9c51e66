// Runs a flow of Amazon Connect as its documentation says it runs: one contact, the real function
// behind InvokeLambdaFunction, and blocks that fail on request.

import assert from "node:assert/strict";

// A contact that does not end is a loop.
const STEPS_MAX = 50;

export class Contact {
  // `dialled` is undefined where nothing was: Connect then stores "Timeout".
  constructor({ id, address, channel = "VOICE", dialled, attributes = {}, failing = [], lambda }) {
    Object.assign(this, { id, address, channel, dialled, failing, lambda });
    this.attributes = { ...attributes };
    this.external = {};
    this.steps = [];
  }

  async run(flow) {
    let next = flow.StartAction;
    while (next) {
      const action = flow.Actions.find((one) => one.Identifier === next);
      assert.ok(action, `there is an action ${next}`);
      assert.ok(this.steps.push(action.Identifier) < STEPS_MAX, "the flow ends");
      next = await this.#step(action);
    }
    return this;
  }

  async #step({ Identifier, Type, Parameters, Transitions }) {
    const error = (type) => Transitions.Errors.find((one) => one.ErrorType === type).NextAction;
    if (this.failing.includes(Identifier)) return error("NoMatchingError");
    if (Type === "DisconnectParticipant") return undefined;
    if (Type === "TransferContactToQueue") {
      this.queue = this.targetQueue;
      return undefined;
    }
    if (Type === "Compare") {
      const value = this.#read(Parameters.ComparisonValue);
      const match = Transitions.Conditions.find(({ Condition }) => {
        assert.equal(Condition.Operator, "Equals");
        return Condition.Operands[0] === value;
      });
      return match?.NextAction ?? error("NoMatchingCondition");
    }
    if (Type === "GetParticipantInput") {
      if (this.channel !== "VOICE") return error("NoMatchingError");
      const most = Number(Parameters.InputValidation.CustomValidation.MaximumLength);
      this.stored = this.dialled?.slice(0, most) ?? "Timeout";
    } else if (Type === "InvokeLambdaFunction") {
      try {
        this.external = await this.lambda(this.#event(Parameters.LambdaInvocationAttributes));
      } catch {
        return error("NoMatchingError");
      }
      for (const value of Object.values(this.external)) {
        if (typeof value !== "string") return error("NoMatchingError");
      }
    } else if (Type === "UpdateContactAttributes") {
      for (const [name, path] of Object.entries(Parameters.Attributes)) {
        this.attributes[name] = this.#read(path);
      }
    } else if (Type === "UpdateContactEventHooks") {
      this.guide = Parameters.EventHooks.DefaultAgentUI;
    } else if (Type === "UpdateContactTargetQueue") {
      this.targetQueue = Parameters.QueueId;
    } else if (Type === "ShowView") {
      this.view = Parameters.ViewData;
    } else {
      assert.equal(Type, "MessageParticipant");
    }
    return Transitions.NextAction;
  }

  #read(path) {
    if (path === "$.StoredCustomerInput") return this.stored ?? "";
    const [, from, name] = path.match(/^\$\.(Attributes|External)\.(\w+)$/);
    return (from === "Attributes" ? this.attributes : this.external)[name] ?? "";
  }

  // The event of the Administrator Guide's "Example JSON request to a Lambda function".
  #event(attributes) {
    return {
      Name: "ContactFlowEvent",
      Details: {
        ContactData: {
          Attributes: this.attributes, Channel: this.channel, ContactId: this.id,
          CustomerEndpoint: this.address && { Address: this.address, Type: "TELEPHONE_NUMBER" },
          InitialContactId: this.id, InitiationMethod: "INBOUND",
          InstanceARN: "arn:aws:connect:aws-region:1234567890:instance/c8c0e68d",
          MediaStreams: { Customer: { Audio: null } }, PreviousContactId: this.id, Queue: null,
          SystemEndpoint: { Address: "+33123456789", Type: "TELEPHONE_NUMBER" },
        },
        Parameters: Object.fromEntries(
          Object.entries(attributes).map(([name, path]) => [name, this.#read(path)]),
        ),
      },
    };
  }
}
