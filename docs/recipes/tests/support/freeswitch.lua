-- Stands in for FreeSWITCH while a dialplan runs: one channel, `mod_curl` over the program curl,
-- and a bridge that says which SIP headers the agent's phone would get. Reads its scenario as JSON
-- from standard input, and writes what happened as JSON.
--
-- As in mod_curl: arguments are split at spaces outside single quotes, into ten words at most.

local cjson = require("cjson")
local scenario = cjson.decode(io.read("*a"))
local happened = { log = "", gathered = cjson.null, requests = 0, bridged = cjson.null }
local variables, exported = scenario.variables, {}
local alive, auto_hangup = true, false

local WORDS_MAX = 10

local function words_of(line)
  local words, word, quoted = {}, "", false
  for i = 1, #line do
    local char = line:sub(i, i)
    if #words == WORDS_MAX - 1 then
      words[WORDS_MAX] = line:sub(i):gsub("'", "")
      return words
    elseif char == "'" then
      quoted = not quoted
    elseif char == " " and not quoted then
      words[#words + 1], word = word, ""
    else
      word = word .. char
    end
  end
  words[#words + 1] = word
  return words
end

local function file_of(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

local function curl(line)
  happened.requests = happened.requests + 1
  local words = words_of(line)
  local config, wants_json, body = { 'url = "' .. words[1] .. '"', "silent" }, false, nil
  local i = 2
  while i <= #words do
    local word = words[i]
    if word == "timeout" then
      i = i + 1
      config[#config + 1] = "max-time = " .. words[i]
    elseif word == "append_headers" then
      i = i + 1
      config[#config + 1] = 'header = "' .. words[i] .. '"'
    elseif word == "json" then
      wants_json = true
    elseif word == "post" then
      i = i + 1
      body = file_of(words[i] or "")
      config[#config + 1] = 'data-binary = "@' .. body .. '"'
    elseif word ~= "secure" then
      error("mod_curl knows no " .. word)
    end
    i = i + 1
  end
  local answer, settings = os.tmpname(), nil
  config[#config + 1] = 'output = "' .. answer .. '"'
  config[#config + 1] = 'write-out = "%{http_code}"'
  settings = file_of(table.concat(config, "\n"))
  local process = io.popen("curl --config " .. settings)
  local status = process:read("*a")
  process:close()
  local file = io.open(answer)
  local text = file and file:read("*a")
  if file then file:close() end
  for _, path in ipairs({ answer, settings, body }) do os.remove(path) end
  local fields = { status_code = tostring(tonumber(status) or 0), headers = {} }
  if text and #text > 0 then fields.body = text end
  return wants_json and cjson.encode(fields) or text
end

freeswitch = {
  consoleLog = function(level, text) happened.log = happened.log .. level .. " " .. text end,
  getGlobalVariable = function(name) return scenario.globals[name] end,
  API = function()
    return { execute = function(_, name, line)
      assert(name == "curl", "no such API: " .. name)
      return curl(line)
    end }
  end,
  JSON = function()
    return { decode = function(_, text)
      local ok, value = pcall(cjson.decode, text)
      return ok and value or nil
    end }
  end,
}

local applications
session = {
  setAutoHangup = function(_, value) auto_hangup = value end,
  ready = function() return alive end,
  get_uuid = function() return scenario.uuid end,
  answer = function() happened.answered = true end,
  getVariable = function(_, name) return variables[name] end,
  setVariable = function(_, name, value) variables[name] = value end,
  execute = function(_, name, data) applications[name](data) end,
  playAndGetDigits = function(_, min, max, tries, first_ms, ends, prompt, bad, regex, name, next_ms)
    assert(happened.answered, "a call that is not answered sends no digits")
    happened.gathered = { min = min, max = max, tries = tries, first_ms = first_ms, ends = ends,
      prompt = prompt, bad = bad, regex = regex, variable = name, next_ms = next_ms }
    if scenario.hangs_up then alive = false end
    return #scenario.digits == max and scenario.digits or ""
  end,
}

local function assign(text)
  return text:match("^([^=]+)=(.*)$")
end

applications = {
  set = function(data)
    local name, value = assign(data)
    variables[name] = value
  end,
  export = function(data)
    local name, value = assign(data)
    local far_only = name:match("^nolocal:(.*)$")
    exported[far_only or name] = value
    if not far_only then variables[name] = value end
  end,
  lua = function(data)
    auto_hangup = true
    local ok, failure = pcall(dofile, scenario.scripts .. "/" .. data)
    if not ok then freeswitch.consoleLog("ERR", failure) end
    if auto_hangup then alive = false end
  end,
  bridge = function(data)
    local headers = {}
    local function take(from)
      for name, value in pairs(from) do
        local header = name:match("^sip_h_(.*)$")
        if header then headers[header] = value end
      end
    end
    if variables.sip_copy_custom_headers ~= "false" then take(variables) end
    take(exported)
    happened.bridged = { to = data, headers = headers }
  end,
}

for _, action in ipairs(scenario.actions) do
  if not alive then break end
  local application = assert(applications[action.application], "no such application")
  application((action.data:gsub("%$%${([%w_]+)}", scenario.globals)))
end
happened.variables = variables
io.write(cjson.encode(happened))
