/* SPDX-License-Identifier: MIT */
/*
 * init.c - a project's own policy, made from a shipped one
 *
 * The base is edited as text, line by line, so that its comments stay: they are
 * what its reader needs most. First match wins, so rules put in front of a
 * section decide before the base's own.
 */
#include "cli/init.h"

#include <errno.h>
#include <unistd.h>

#include "base/json.h"

struct kind {
	unsigned int bit;
	const char *name;
	const char *markers[8]; /* files; ends with NULL */
	const char *sources[6]; /* domains; ends with NULL */
};

static const struct kind kinds[] = {
	{ PROJECT_NODE,
	  "node",
	  { "package.json", "deno.json", "bun.lockb" },
	  { "**npm**", "**yarn**", "**nodejs**" } },
	{ PROJECT_PYTHON,
	  "python",
	  { "pyproject.toml", "requirements.txt", "setup.py", "Pipfile",
	    "uv.lock" },
	  { "**pypi**", "**pythonhosted**", "**python.org" } },
	{ PROJECT_RUST,
	  "rust",
	  { "Cargo.toml" },
	  { "**crates**", "**rust-lang**" } },
	{ PROJECT_GO, "go", { "go.mod", "go.work" }, { "**golang**" } },
	{ PROJECT_JVM,
	  "java",
	  { "pom.xml", "build.gradle", "build.gradle.kts", "build.sbt" },
	  { "**maven**", "**gradle**" } },
	{ PROJECT_RUBY, "ruby", { "Gemfile" }, { "**rubygems**" } },
	{ PROJECT_PHP, "php", { "composer.json" }, { "**packagist**" } },
	{ PROJECT_DOTNET,
	  "dotnet",
	  { "global.json", "Directory.Build.props", "nuget.config" },
	  { "**nuget**" } },
	{ PROJECT_C,
	  "c",
	  { "meson.build", "CMakeLists.txt", "configure.ac", "Makefile" },
	  { NULL } },
};

/* Whatever the project is built with. */
static const char *const hosts[] = { "**github**", "**gitlab**",
				     "**bitbucket**", "**anthropic**",
				     "**openai**" };

static const char LATER[] =
	"  # Files that something else runs or obeys later, outside of a "
	"session.\n"
	"  - name: protect-what-runs-later\n"
	"    paths:\n"
	"      - \"${PROJECT_ROOT}/.git/hooks/**\"\n"
	"      - \"${PROJECT_ROOT}/.husky/**\"\n"
	"      - \"${PROJECT_ROOT}/.vscode/**\"\n"
	"      - \"${PROJECT_ROOT}/.idea/**\"\n"
	"      - \"${PROJECT_ROOT}/.devcontainer/**\"\n"
	"      - \"${PROJECT_ROOT}/.claude/settings*.json\"\n"
	"      - \"${PROJECT_ROOT}/.mcp.json\"\n"
	"      - \"${PROJECT_ROOT}/.envrc\"\n"
	"    operations: [write, create, delete, rmdir, mkdir, rename, link, "
	"symlink, chmod, chown, mknod]\n"
	"    decision: deny\n"
	"    message: \"{{.Path}} is run or obeyed outside of the sandbox\"\n"
	"\n"
	"  # Secrets of the project: programs that need one get it by "
	"environment.\n"
	"  - name: protect-project-secrets\n"
	"    paths:\n"
	"      - \"${PROJECT_ROOT}/**/*.pem\"\n"
	"      - \"${PROJECT_ROOT}/**/id_rsa*\"\n"
	"      - \"${PROJECT_ROOT}/**/id_ed25519*\"\n"
	"      - \"${PROJECT_ROOT}/.env.production\"\n"
	"    operations: [\"*\"]\n"
	"    decision: deny\n"
	"    message: \"{{.Path}} holds a secret of this project\"\n"
	"\n";

unsigned int project_kinds(const char *dir)
{
	unsigned int found = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (size_t k = 0; kinds[i].markers[k]; k++) {
			_cleanup_buf_ struct buf path = BUF_INIT;

			buf_printf(&path, "%s/%s", dir, kinds[i].markers[k]);
			if (!path.error && access(buf_cstr(&path), F_OK) == 0)
				found |= kinds[i].bit;
		}
	}
	return found;
}

void project_kinds_text(unsigned int found, struct buf *out)
{
	const char *separator = "";

	if (!found)
		buf_puts(out, "no build system known");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!(found & kinds[i].bit))
			continue;
		buf_printf(out, "%s%s", separator, kinds[i].name);
		separator = ", ";
	}
}

static void put_domain(struct buf *out, const char *domain)
{
	buf_printf(out, "      - \"%s\"\n", domain);
}

static void put_sources(const struct init_input *in, struct buf *out)
{
	buf_puts(out, "  # What this project is built from. To reach more, add "
		      "a rule here.\n"
		      "  - name: project-sources\n    domains:\n");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (size_t k = 0;
		     in->kinds & kinds[i].bit && kinds[i].sources[k]; k++)
			put_domain(out, kinds[i].sources[k]);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		put_domain(out, hosts[i]);
	buf_puts(out, "    ports: [80, 443]\n    decision: allow\n"
		      "    message: \"package sources and code hosts\"\n\n");
}

static bool is_wide(struct str rule)
{
	return str_eq(rule, STR("allow-package-sources")) ||
	       str_eq(rule, STR("allow-https"));
}

/* "  - name: X" -> X; empty for any other line. */
static struct str rule_name(struct str line)
{
	struct str mark = STR("  - name: ");

	return str_starts(line, mark) ? str_trim(str_skip(line, mark.n))
				      : STR_NONE;
}

static void put_title(const struct init_input *in, struct str key,
		      struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;

	if (str_eq(key, STR("name: "))) {
		buf_put_str(&text, in->name);
	} else {
		buf_puts(&text, "A project with ");
		project_kinds_text(in->kinds, &text);
	}
	buf_put_str(out, key);
	json_writer_init(&w, out, 0);
	json_str(&w, buf_str(&text));
	buf_putc(out, '\n');
}

/* Which top-level key a line begins, among those that matter here. */
static bool begins(struct str line, const char *key)
{
	return str_starts(line, str_from(key));
}

int init_policy(const struct init_input *in, struct buf *out)
{
	struct str rest = in->base, line;
	bool files = false, network = false, skipping = false;

	buf_printf(out,
		   "# Made by `agentsh init` from the policy " STR_FMT
		   "; yours to change.\n",
		   STR_ARG(in->base_name));
	while (str_split(&rest, '\n', &line)) {
		struct str name = rule_name(line);

		if (name.n || (line.n && line.p[0] != ' '))
			skipping = name.n && !in->open_network && is_wide(name);
		if (skipping || (rest.n == 0 && line.n == 0))
			continue;
		if (begins(line, "name: ") || begins(line, "description: ")) {
			line.n = (size_t)str_index(line, ' ') + 1;
			put_title(in, line, out);
			continue;
		}
		if (str_eq(name, STR("default-deny-network")) &&
		    !in->open_network) {
			put_sources(in, out);
			network = true;
		}
		buf_put_str(out, line);
		buf_putc(out, '\n');
		if (begins(line, "file_rules:")) {
			buf_puts(out, LATER);
			files = true;
		}
	}
	if (!files || (!network && !in->open_network))
		return -EINVAL;
	return out->error;
}
