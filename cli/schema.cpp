#include "cli/commands.h"
#include "cli/print.h"
#include "schema/schema.h"

namespace bottle {

int run_schema(const Options&) {
    print(std::string(schema_text(DocumentKind::Manifest)));
    return static_cast<int>(Exit::Ok);
}

}  // namespace bottle
