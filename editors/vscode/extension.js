// Starts `lora-lint server` and hands it what is open; all else happens there.

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

const LANGUAGES = ["python", "yaml", "json", "jsonc", "toml", "shellscript"];
const BESIDE =
  "**/{pyproject.toml,lora-lint.toml,.lora-lint.toml,*requirements*.txt,config.json,*.jsonl,*.lock}";

let client;

function options() {
  const settings = vscode.workspace.getConfiguration("lora-lint");
  return {
    gpu: settings.get("gpu") || null,
    gpuCount: settings.get("gpuCount"),
    minSeverity: settings.get("minSeverity") || null,
    pedantic: settings.get("pedantic"),
  };
}

function start() {
  const [command, ...args] = vscode.workspace.getConfiguration("lora-lint").get("command");
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  client = new LanguageClient(
    "lora-lint",
    "lora-lint",
    { command, args, transport: TransportKind.stdio, options: { cwd: folder } },
    {
      documentSelector: LANGUAGES.map((language) => ({ language })),
      initializationOptions: options(),
      synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher(BESIDE) },
      middleware: {
        // The line above a recipe shows the forecast in full.
        executeCommand: async (name, parameters, next) => {
          const answer = await next(name, parameters);
          if (name === "lora-lint.memory" && answer) {
            const document = await vscode.workspace.openTextDocument({ content: answer });
            await vscode.window.showTextDocument(document, vscode.ViewColumn.Beside, true);
          }
          return answer;
        },
      },
    },
  );
  return client.start().catch((error) => {
    vscode.window.showErrorMessage(
      `lora-lint: ${command} does not start (${error.message}). ` +
        "Install it with: pip install 'lora-lint[lsp]', or set lora-lint.command.",
    );
  });
}

async function restart() {
  await client?.stop().catch(() => {});
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("lora-lint.restart", restart),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("lora-lint")) restart();
    }),
  );
  await start();
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
