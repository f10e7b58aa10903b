// `multi create /a x ; set /b y -v 3 ; delete /c ; check /d -v 1`: all of it is applied, or nothing.
//
// From the process's command line the operations may be one quoted argument; from a file they stand one on each line.
#pragma once

#include "zabctl/command.hpp"

#include <string>
#include <vector>

namespace zabd::zabctl {

class MultiCommand : public Command {
public:
    void declare(CLI::App& app) override;
    boost::asio::awaitable<void> run(Context& context) override;

private:
    [[nodiscard]] std::vector<std::vector<std::string>> operation_words() const;

    std::vector<std::string> words_;
    std::string file_;
};

}  // namespace zabd::zabctl
