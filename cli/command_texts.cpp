#include "cli/command_texts.h"

#include <algorithm>

namespace bottle {
namespace {

const std::vector<OptionText> kOptions = {
    {Opt::File, "-f,--file", "FILE", "A manifest, a folder of them, or - for standard input; may be given several times (default: bottle.yaml)"},
    {Opt::Recursive, "-R,--recursive", "", "Of a folder, read the folders in it too"},
    {Opt::Output, "-o,--output", "FORMAT", "How the result is printed"},
    {Opt::Out, "--out", "PLAN", "Write the plan into this file, for apply PLAN (0600; one that is there is replaced only if it is such a plan)"},
    {Opt::Timeout, "--timeout", "TIME", "How long to work on it: 90s, 5m, 1h (default: 60s)"},
    {Opt::Interval, "--interval", "TIME", "Between two looks: 5s, 1m (default: 5s; at least 1s)"},
    {Opt::Parallel, "--parallel", "N", "At most so many bottles at once (default: 4)"},
    {Opt::Adopt, "--adopt", "", "Take over what another owner of bottle made, and old disks without a row"},
    {Opt::DryRun, "--dry-run", "", "Show what would be done, as diff does, and do nothing"},
    {Opt::Yes, "-y,--yes", "", "Do not ask where data is lost; without a terminal that is refused otherwise"},
    {Opt::Prune, "--prune", "", "Delete our bottles that are in none of the files of -f, shown first (with -l: of those that have the labels)"},
    {Opt::NoWiden, "--no-widen", "", "Refuse what lets the guest reach more than the manifest that was applied last"},
    {Opt::Progress, "--progress", "FORM", "How the steps are told on standard error: auto, tty, plain, json, none (default: auto)"},
    {Opt::Selector, "-l,--selector", "KEY=VALUE", "Only bottles whose metadata.labels have it; several with commas, or given several times: all of them"},
    {Opt::Since, "--since", "TIME", "Only what happened in that time: 90s, 5m, 1h"},
    {Opt::Follow, "-f,--follow", "", "Go on with what is new, until Ctrl-C (exit code 130)"},
    {Opt::Tail, "--tail", "N", "Only the last N lines of what is there (of a container 200 where it is not given)"},
    {Opt::For, "--for", "WHAT", "condition=TYPE, condition=TYPE=STATUS (True, False, Unknown; default: True), or delete"},
    {Opt::Stdin, "-i,--stdin", "", "The command reads bottle's standard input"},
    {Opt::Tty, "-t,--tty", "", "The command has a terminal, which standard input must be (default: where standard input and output are one)"},
    {Opt::Keep, "--keep", "", "Leave the bottle there at the end"},
    {Opt::To, "--to", "GENERATION", "The generation whose manifest is applied, as bottle history shows it (default: the one before the last)"},
    {Opt::Repair, "--repair", "", "Remove what is left of ours, where that is proved by our owner's id or by the registry of uids"},
    {Opt::Into, "--into", "FOLDER", "Where the manifests are written; nothing that is there is written over (default: the current folder)"},
    {Opt::NoColor, "--no-color", "", "No colour, also on a terminal; so does a NO_COLOR that is not empty"},
    {Opt::Help, "-h,--help", "", "Print this help"},
};

}  // namespace

const std::vector<CommandText>& command_texts() {
    static const std::vector<CommandText> kCommands = {
        {"validate", Group::Manifests, "check manifests", "Check manifests, without touching anything", Operands::None, "", {Opt::File, Opt::Recursive}, {},
         "Every problem is told at once, each with file, line and column, what is allowed, and the nearest word.\n\n"
         "Nothing is looked at but the files: neither Docker nor smolvm need to be there.",
         {"bottle validate -f bottle.yaml", "bottle validate -f bottles/ -R"}},
        {"diff", Group::Manifests, "what apply would do", "Show what apply would do, and what it costs", Operands::OptionalName, "[NAME]", {Opt::File, Opt::Recursive, Opt::Output},
         {"text", "json", "diff"},
         "Reads only. Exit code 0: nothing to do; 1: differences; 2: the host policy does not allow it; 3: something could not be read, or is refused.\n\n"
         "-o diff is a unified diff of YAML, resource by resource: what is there, and what shall be. BOTTLE_EXTERNAL_DIFF may name a program for it, with arguments "
         "(no shell): it is given two folders, and ends with 0 or 1.",
         {"bottle diff", "bottle diff -f bottle.yaml -o json", "bottle diff -o diff"}},
        {"plan", Group::Manifests, "keep that, for apply", "Show what apply would do, and keep it in a file for apply PLAN", Operands::OptionalName, "[NAME]",
         {Opt::File, Opt::Recursive, Opt::Selector, Opt::Output, Opt::Out, Opt::Adopt, Opt::Prune, Opt::NoWiden},
         {"text", "json", "diff"},
         "As diff, but with exit code 0 where there are differences: a plan is no failure.\n\n"
         "The file holds digests of the manifests, of what they come to, and of everything that was seen, and no value of any of it. "
         "A plan that something is refused in is not written (exit code 3).",
         {"bottle plan", "bottle plan -f bottle.yaml --out next.plan"}},
        {"config", Group::Manifests, "what they come to", "Print manifests as they are understood: templates merged, defaults filled in", Operands::None, "",
         {Opt::File, Opt::Recursive, Opt::Output}, {"yaml", "json"}, "What it prints is a manifest that means the same bottle. A secret stands there as its name.",
         {"bottle config -f bottle.yaml", "bottle config -f bottle.yaml -o json"}},
        {"schema", Group::Manifests, "the JSON Schema of all keys", "Print the JSON Schema of manifests: every key, described, with its default and an example", Operands::None, "", {}, {},
         "An editor with a YAML language server reads it: # yaml-language-server: $schema=PATH, in a manifest's first line.",
         {"bottle schema"}},
        {"apply", Group::Doing, "bring the host to them", "Bring this host to the manifests, step by step, and prove it", Operands::NameOrPlan, "[NAME | PLAN]",
         {Opt::File, Opt::Recursive, Opt::Selector, Opt::Timeout, Opt::Parallel, Opt::Adopt, Opt::Prune, Opt::NoWiden, Opt::DryRun, Opt::Yes, Opt::Progress}, {},
         "Looks again after each step. The machine is proved to be confined before the agent's command is started; on any doubt it is stopped.\n\n"
         "With a NAME, the manifest is the one that was applied last.\n\n"
         "With a PLAN, a file that bottle plan --out made (its name has a . or a / in it): nothing is done if a manifest or anything that the plan rests on "
         "moved since; what moved is said (exit code 3).\n\n"
         "With --prune, what is deleted is shown first, and asked for where data is lost; it goes last, and only where every apply came to its end.",
         {"bottle apply", "bottle apply -f bottle.yaml --timeout 5m", "bottle apply next.plan", "bottle apply -f bottles/ --prune --yes"}},
        {"delete", Group::Doing, "remove bottles", "Remove bottles and everything of theirs", Operands::OptionalName, "[NAME]", {Opt::File, Opt::Recursive, Opt::Timeout, Opt::DryRun, Opt::Yes, Opt::Progress}, {},
         "The machine, its disks, containers, networks and records go. Nothing is removed that does not carry bottle's labels.\n\n"
         "Where data is lost (disks, volumes) it shows what goes and asks; without a terminal that takes --yes (exit code 3).",
         {"bottle delete docs-writer", "bottle delete -f bottle.yaml --yes", "bottle delete docs-writer --dry-run"}},
        {"exec", Group::Doing, "run a command in one", "Run a command in a bottle that is Confined", Operands::NameAndCommand, "NAME -- CMD [ARGUMENT...]", {Opt::Stdin, Opt::Tty}, {},
         "The command runs in the guest as machine.user, with a terminal where there is one. Without a terminal it reads nothing, unless -i is given. Its exit code is bottle's, "
         "and signals that bottle gets are passed on.",
         {"bottle exec docs-writer -- sh", "bottle exec docs-writer -- ls -l /", "bottle exec -i docs-writer -- tar -x < src.tar"}},
        {"run", Group::Doing, "one in the foreground", "Bring a bottle up, run its agent in the foreground, and delete the bottle at the end", Operands::OptionalName, "[NAME]",
         {Opt::File, Opt::Timeout, Opt::Keep, Opt::Stdin, Opt::Tty, Opt::Progress}, {},
         "One bottle as one process, for a person, systemd or a batch system. bottle is attached to agent.command, and its exit code is bottle's. While it runs, the bottle is looked "
         "at every 5 seconds, and stopped on any doubt. On SIGTERM the command gets the signal and 10 seconds; then the bottle is deleted.\n\n"
         "A bottle that is there already is not run without --keep, as it would be deleted. What a run that was killed has left is taken over by the next.",
         {"bottle run", "bottle run -f bottle.yaml --keep"}},
        {"watch", Group::Doing, "keep them so", "Bring this host to the manifests, and keep it there", Operands::None, "",
         {Opt::File, Opt::Recursive, Opt::Selector, Opt::Interval, Opt::Timeout, Opt::Parallel, Opt::Prune, Opt::NoWiden, Opt::Yes, Opt::Output, Opt::Progress}, {"text", "json"},
         "Reads the manifests and looks at every bottle in each round, and does what apply does where something differs. A machine that is not confined any more is stopped, then brought up "
         "anew. Where nothing differs nothing is written, and nothing is said.\n\n"
         "A bottle that cannot be brought to its manifest is tried again, first after the interval and at last once a minute; until then, too, a machine without its proof is stopped. While "
         "the manifests are wrong, the last right ones stay in force. A paused machine stays paused.\n\n"
         "With --prune, a bottle of ours that is in none of the files is deleted; where that loses data, with --yes alone.\n\n"
         "It goes on until a signal ends it (exit code 130, or 5); the bottles stay as they are. With -o json: one document a line.",
         {"bottle watch -f bottles/", "bottle watch -f bottles/ --prune --yes --interval 10s"}},
        {"pause", Group::Doing, "hold a machine still", "Pause the machines of bottles: nothing of the guest runs, and its memory stays", Operands::Names, "[NAME...]", {Opt::Selector, Opt::Timeout, Opt::Progress}, {},
         "The bundle runs on, and confinement is looked at as before: a paused machine is stopped on any doubt. apply lets it go on. What the guest had not yet written to its disk "
         "is lost if a paused machine is stopped. Without a NAME: with -l alone.",
         {"bottle pause docs-writer", "bottle pause -l team=docs"}},
        {"resume", Group::Doing, "let it go on", "Let paused machines go on", Operands::Names, "[NAME...]", {Opt::Selector, Opt::Timeout, Opt::Progress}, {},
         "Its confinement must hold, without any doubt, or it is stopped. Without a NAME: with -l alone.", {"bottle resume docs-writer"}},
        {"rollback", Group::Doing, "to an earlier manifest", "Apply a manifest that was applied before", Operands::Name, "NAME", {Opt::To, Opt::Timeout, Opt::Yes, Opt::Progress}, {},
         "The manifests are those of bottle history. The file that you keep is not changed: what it says otherwise is a difference, and the next apply of it brings it back.",
         {"bottle rollback docs-writer", "bottle rollback docs-writer --to 3"}},
        {"adopt", Group::Doing, "take over what is there", "Take over what another owner of bottle made, and old disks without a row", Operands::OptionalName, "[NAME]",
         {Opt::File, Opt::Recursive, Opt::Timeout, Opt::Yes, Opt::Progress}, {},
         "Shows what it comes to, then does what apply --adopt does.", {"bottle adopt -f bottle.yaml"}},
        {"verify", Group::Doing, "take the evidence anew", "Take the evidence from inside the guest anew", Operands::OptionalName, "[NAME]", {Opt::File, Opt::Recursive, Opt::Timeout, Opt::Progress}, {},
         "The guest is probed again. A machine whose evidence does not hold is stopped.",
         {"bottle verify docs-writer"}},
        {"get", Group::Reading, "a table of them", "List the bottles on this host", Operands::Names, "[NAME...]", {Opt::Output, Opt::Selector},
         {"text", "wide", "json", "yaml", "name"},
         "Each is looked at anew. Without a NAME: all that our records know. BUNDLE is the address that its guest may reach, and AGE since when the bottle is recorded.\n\n"
         "On a terminal the table is cut to its width.",
         {"bottle get", "bottle get docs-writer -o wide", "bottle get -l team=docs -o name"}},
        {"describe", Group::Reading, "all of one, on a screen", "Show everything about one bottle", Operands::Name, "NAME", {Opt::Output}, {"text", "json"},
         "Conditions, networks, containers, machine, allowlist, what the evidence comes to, and the last events. Of variables the names alone.",
         {"bottle describe docs-writer"}},
        {"status", Group::Reading, "conditions", "Show the conditions of the bottles on this host", Operands::OptionalName, "[NAME]", {Opt::Output}, {"text", "json"},
         "Conditions are Kubernetes': Accepted, NetworkReady, BundleReady, MachineReady, Confined, Provisioned, WorkloadRunning, Ready.",
         {"bottle status", "bottle status docs-writer -o json"}},
        {"wait", Group::Reading, "until it is so", "Wait until bottles have a condition, or are deleted", Operands::Names, "[NAME...]", {Opt::For, Opt::Timeout, Opt::Output}, {"text", "json"},
         "Looks twice a second and changes nothing: what nobody brings about does not come. Without a NAME: all that our records know. Exit code 4: not in time.",
         {"bottle wait docs-writer --for=condition=Ready --timeout 5m", "bottle wait --for=condition=Confined=False", "bottle wait docs-writer --for=delete"}},
        {"events", Group::Reading, "what happened", "Show what was done, and which conditions changed", Operands::OptionalName, "[NAME]", {Opt::Since, Opt::Follow, Opt::Output}, {"text", "json"},
         "Of one bottle, also of one that was deleted, or of all. With -f and -o json: one document a line.\n\n"
         "The newest 1000 steps and 500 changes of conditions of a bottle are kept. A condition is recorded at the end of each apply.",
         {"bottle events docs-writer --since 1h", "bottle events -f"}},
        {"history", Group::Reading, "manifests applied to it", "Show which manifests were applied to a bottle, and what each changed", Operands::Name, "NAME", {Opt::Output}, {"text", "json"},
         "The newest 50 are kept. Of variables only that they changed is told.", {"bottle history docs-writer"}},
        {"explain", Group::Reading, "how it is confined", "Say how a bottle's guest reaches its bundle, why so, and what holds it to that", Operands::NameAndTarget,
         "[NAME] [ADDRESS:PORT]", {Opt::File, Opt::Recursive, Opt::Output}, {"text", "json"},
         "With ADDRESS:PORT: what becomes of a TCP connection from the guest to there. Which rule lets it through, or which layer stops it: the list, the "
         "firewall, the names, or that there is no network. An IPv6 address stands between [ and ].\n\nReads only: nothing is tried. bottle verify does that.",
         {"bottle explain docs-writer", "bottle explain docs-writer 1.1.1.1:443", "bottle explain docs-writer example.com:443"}},
        {"logs", Group::Reading, "what it wrote", "Show the agent's log, NAME/machine or NAME/CONTAINER", Operands::NameAndPart, "NAME[/PART]", {Opt::Follow, Opt::Tail}, {},
         "Without a part: what the agent's command wrote. NAME/machine is the machine's console, NAME/CONTAINER a container of the bundle.\n\n"
         "With -f it ends when what writes it has ended (exit code 0). On a terminal, bytes that are the terminal's own are shown as \\xNN; into a file or a "
         "pipe every byte goes as it is.",
         {"bottle logs docs-writer", "bottle logs -f docs-writer", "bottle logs docs-writer/egress --tail 20"}},
        {"proof", Group::Reading, "the evidence, raw", "Print the evidence of confinement, raw", Operands::OptionalName, "[NAME]", {Opt::File, Opt::Recursive, Opt::Output}, {"text", "json"},
         "Everything but the guest's own evidence is taken anew. Exit code 0 only where all that is required holds.",
         {"bottle proof docs-writer -o json"}},
        {"doctor", Group::Other, "what this host lacks", "Look at everything that a host must have, and say what to do where it lacks something", Operands::None, "",
         {Opt::Output, Opt::Repair, Opt::Timeout, Opt::Progress}, {"text", "json"},
         "Docker, smolvm and its libraries, /dev/kvm (a guest of one instruction is run on it), the firewall, what listens on every address, and what is left of ours that no record "
         "knows. Exit code 3 where something is bad or cannot be told.",
         {"bottle doctor", "bottle doctor --repair"}},
        {"export", Group::Other, "one as JSON or Compose", "Print everything that is known of a bottle, or its bundle as a Compose file", Operands::Name, "NAME", {Opt::Output}, {"json", "compose"},
         "The document holds the values of literal variables. The Compose file has networks, volumes and containers; what makes a bottle of them, the machine, its list and the "
         "proof, has no counterpart there.",
         {"bottle export docs-writer", "bottle export docs-writer -o compose"}},
        {"import", Group::Other, "bot-bottle's as manifests", "Make manifests of bot-bottle's bottles and agents", Operands::Folders, "[FOLDER...]", {Opt::Into}, {},
         "Reads bottles/NAME.md and agents/NAME.md in each FOLDER (default: ~/.bot-bottle), and writes one manifest for each agent, its bottle and that one's parents merged into it. What has no "
         "counterpart is told, and what has to be put in by hand; so are the lines that the host policy would need for the secrets. Nothing is applied.",
         {"bottle import --into bottles", "bottle import ~/.bot-bottle ./.bot-bottle --into bottles"}},
        {"env", Group::Other, "use smolvm by hand", "Print the variables for using smolvm by hand on a bottle's state folder", Operands::Name, "NAME", {Opt::Output}, {"text", "json"},
         "Lines for a POSIX shell. They hold HOME and the XDG folders, so use them in a shell of their own: (eval \"$(bottle env NAME)\"; smolvm machine status). "
         "What is changed by hand is a difference: the next look sees it, and a machine that was started by hand is stopped.",
         {"bottle env docs-writer"}},
        {"completion", Group::Other, "for bash, zsh and fish", "Print what a shell reads to complete bottle's words", Operands::Shell, "bash|zsh|fish", {}, {},
         "Commands, options, formats, files and the names of bottles. What is installed (cmake --install) has them already. For this shell alone: source <(bottle completion bash), "
         "the same in zsh, and in fish: bottle completion fish | source. The names are those that the records of the user hold who types.",
         {"bottle completion bash", "bottle completion fish"}},
        {"version", Group::Other, "print the version", "Print the version, and the versions of smolvm that it knows", Operands::None, "", {Opt::Output}, {"text", "json"}, "",
         {"bottle version"}},
    };
    return kCommands;
}

const CommandText* command_text(const std::string& name) {
    const auto& all = command_texts();
    const auto found = std::find_if(all.begin(), all.end(), [&](const CommandText& command) { return name == command.name; });
    return found == all.end() ? nullptr : &*found;
}

const OptionText& option_text(Opt option) {
    return *std::find_if(kOptions.begin(), kOptions.end(), [&](const OptionText& text) { return text.option == option; });
}

const char* heading_of(Group group) {
    switch (group) {
        case Group::Manifests: return "manifests";
        case Group::Doing: return "doing";
        case Group::Reading: return "reading";
        case Group::Other: return "other";
    }
    return "?";
}

const std::vector<std::string>& progress_forms() {
    static const std::vector<std::string> kForms = {"auto", "tty", "plain", "json", "none"};
    return kForms;
}

std::string long_name(const OptionText& option) {
    const std::string names = option.names;
    const auto comma = names.find(',');
    return comma == std::string::npos ? names : names.substr(comma + 1);
}

}  // namespace bottle
