#pragma once

#include "cli/options.h"
#include "reconciler/plan.h"

#include <string>
#include <vector>

namespace bottle {

/// Whether the plans may lose what they lose: asked once for all of them, on standard error, after they were shown there (unless `shown`: they were). Nothing
/// is asked with --yes, or where no data is lost. Throws Error{Exit::Precondition} where nobody can be asked (standard input or standard error is no terminal), and
/// Error{Exit::Failed} for any answer but yes, also the end of input; Error{Exit::Interrupted} on Ctrl-C.
/// `way`: the command line that does it without the question, "bottle delete docs --yes".
void must_consent(const std::vector<Plan>& plans, const Options& options, const std::string& way, bool shown = false);

/// "y" or "yes", in letters of any size.
bool is_yes(const std::string& answer);

}  // namespace bottle
