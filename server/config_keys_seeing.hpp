// What the keys do that are about seeing into a server: the HTTP endpoint, metrics, audit. Rows of the table in
// config_keys.cpp.
#pragma once

#include "server/config_keys.hpp"

#include <string_view>

namespace zabd::server {

KeyOutcome set_admin_enabled(ConfigDraft& draft, std::string_view value);
KeyOutcome set_admin_address(ConfigDraft& draft, std::string_view value);
KeyOutcome set_admin_port(ConfigDraft& draft, std::string_view value);
KeyOutcome set_admin_command_url(ConfigDraft& draft, std::string_view value);
KeyOutcome set_operator_token(ConfigDraft& draft, std::string_view value);
KeyOutcome set_operator_token_file(ConfigDraft& draft, std::string_view value);
KeyOutcome set_reader_token(ConfigDraft& draft, std::string_view value);
KeyOutcome set_reader_token_file(ConfigDraft& draft, std::string_view value);
KeyOutcome set_operators(ConfigDraft& draft, std::string_view value);
KeyOutcome set_readers(ConfigDraft& draft, std::string_view value);
KeyOutcome set_admin_hosts(ConfigDraft& draft, std::string_view value);
KeyOutcome set_admin_certificate(ConfigDraft& draft, std::string_view value);
KeyOutcome set_admin_key(ConfigDraft& draft, std::string_view value);
KeyOutcome set_admin_force_tls(ConfigDraft& draft, std::string_view value);
KeyOutcome check_admin_port_unification(ConfigDraft& draft, std::string_view value);
KeyOutcome check_admin_client_certificates(ConfigDraft& draft, std::string_view value);
KeyOutcome set_metrics_provider(ConfigDraft& draft, std::string_view value);
KeyOutcome set_metrics_address(ConfigDraft& draft, std::string_view value);
KeyOutcome set_metrics_port(ConfigDraft& draft, std::string_view value);
KeyOutcome set_audit(ConfigDraft& draft, std::string_view value);
KeyOutcome set_audit_file(ConfigDraft& draft, std::string_view value);
KeyOutcome set_audit_file_size(ConfigDraft& draft, std::string_view value);
KeyOutcome set_audit_files(ConfigDraft& draft, std::string_view value);

/// Once all lines are read: what they owe each other.
Result<void> judge_admin(const std::string& name, ConfigDraft& draft);

}  // namespace zabd::server
