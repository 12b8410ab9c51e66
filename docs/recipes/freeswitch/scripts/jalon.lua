-- Asks a caller's phone for its code, and exports the desk link, and what came of the look-up, to
-- whoever the call is bridged to.
-- The bridge itself is the dialplan's: whatever happens here, the call goes on to it.

local CODE_DIGITS = 13
-- Where jalon_first_digit_ms does not say. Phones wait 4 to 6 s (two commas) from when they learn of
-- the answer, up to a second after it, then dial. This counts from the end of the greeting: both
-- together should be 8 s.
local FIRST_DIGIT_MS = 6000
-- Phones dial thirteen digits in 2 to 5 s. A digit lost by the line costs this, and not a call.
local NEXT_DIGIT_MS = 2000
-- mod_curl counts in whole seconds.
local COLLECTOR_TIMEOUT_S = 2

-- Else an error ends the call, and not only the script.
session:setAutoHangup(false)

local function log(level, text)
  freeswitch.consoleLog(level, "jalon: " .. session:get_uuid() .. ": " .. text .. "\n")
end

local function setting(name, default)
  local value = freeswitch.getGlobalVariable(name)
  if value == nil or value == "" then return default end
  return value
end

local function key()
  local path = setting("jalon_key_file", "/etc/freeswitch/jalon.key")
  local file = io.open(path, "r")
  local text = file and file:read("*l")
  if file then file:close() end
  return text and text:match("^[%w_%-]+")
end

-- What may stand in mod_curl's one line of arguments: no quote, no space, no backslash, no percent.
local function plain(text)
  return ((text or ""):gsub("[^%w%+%-_;=,%./:]", ""))
end

local function json(fields)
  local parts = {}
  for name, value in pairs(fields) do
    if value ~= "" then parts[#parts + 1] = '"' .. name .. '":"' .. value .. '"' end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Asks the collector once. Answers with what came of it, and the desk link: `found`; `unknown`, whose
-- link is to the page where the agent types the code; `unavailable`, without one.
local function resolve(question)
  local collector, secret = setting("jalon_collector"), key()
  if not collector or not secret then
    log("ERR", "no jalon_collector, or no key in jalon_key_file")
    return "unavailable"
  end
  question.call_id = session:get_uuid()
  -- A withheld number is a word: such callers must not share one caller's throttle.
  question.caller = (session:getVariable("caller_id_number") or ""):match("^%+?%d+$") or ""
  -- At most ten words, since mod_curl reads no more; `secure` checks the certificate.
  local arguments = table.concat({
    collector .. "/v1/contexts/resolve", "timeout", COLLECTOR_TIMEOUT_S, "secure",
    "append_headers", "'Authorization: Bearer " .. secret .. "'", "json", "post", json(question),
  }, " ")
  local answer = freeswitch.JSON():decode(freeswitch.API():execute("curl", arguments) or "")
  local status = answer and tostring(answer.status_code) or "nothing"
  local found = answer and answer.body and freeswitch.JSON():decode(answer.body)
  local desk = type(found) == "table" and found.desk
  local linked = type(desk) == "string" and desk ~= ""
  if status ~= "200" or not linked then
    log("WARNING", "the collector answered " .. status .. (linked and "" or ", without a link"))
  end
  if not linked then return "unavailable" end
  if desk:sub(1, 1) == "/" then desk = collector .. desk end
  return status == "200" and "found" or "unknown", desk
end

local function digits()
  session:answer()
  local greeting = setting("jalon_greeting", "ivr/ivr-one_moment_please.wav")
  local first_digit_ms = tonumber(setting("jalon_first_digit_ms")) or FIRST_DIGIT_MS
  -- No variable: digits belong in no channel variable, and so in no call record.
  return session:playAndGetDigits(CODE_DIGITS, CODE_DIGITS, 1, first_digit_ms, "", greeting, "",
    "\\d{" .. CODE_DIGITS .. "}", "", NEXT_DIGIT_MS)
end

-- A caller may send this header too, in any case; no header of theirs reaches the agent.
session:setVariable("sip_copy_custom_headers", "false")

-- What a SIP call carries; nil for a call over the phone network.
local function carried()
  local uui = session:getVariable("sip_h_User-to-User") or ""
  local token = session:getVariable("sip_h_X-Jalon-Context") or ""
  if uui ~= "" then return { uui = plain(uui) } end
  if token ~= "" then return { token = plain(token) } end
end

local function look_up()
  local question = carried()
  if question then
    local lookup, desk = resolve(question)
    -- A header may be another application's: then this may be a call with a code.
    if lookup ~= "unknown" then return lookup, desk end
  end
  local code = plain(digits())
  if session:ready() then return resolve({ code = code }) end
  return "unavailable"
end

local ok, lookup, desk = pcall(look_up)
if not ok then
  log("ERR", "failed to look the call up")
  lookup, desk = "unavailable", nil
end
session:execute("export", "nolocal:sip_h_X-Jalon-Lookup=" .. lookup)
if desk then session:execute("export", "nolocal:sip_h_X-Jalon-Desk=" .. desk) end
