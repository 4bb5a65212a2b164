//! The service `Auth`.

use zeroize::Zeroize as _;

use super::Method;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::proto::{
    self, AuthDisableRequest, AuthDisableResponse, AuthEnableRequest, AuthEnableResponse,
    AuthRoleAddRequest, AuthRoleAddResponse, AuthRoleDeleteRequest, AuthRoleDeleteResponse,
    AuthRoleGetRequest, AuthRoleGetResponse, AuthRoleGrantPermissionRequest,
    AuthRoleGrantPermissionResponse, AuthRoleListRequest, AuthRoleListResponse,
    AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse, AuthStatusRequest,
    AuthStatusResponse, AuthUserAddRequest, AuthUserAddResponse, AuthUserChangePasswordRequest,
    AuthUserChangePasswordResponse, AuthUserDeleteRequest, AuthUserDeleteResponse,
    AuthUserGetRequest, AuthUserGetResponse, AuthUserGrantRoleRequest, AuthUserGrantRoleResponse,
    AuthUserListRequest, AuthUserListResponse, AuthUserRevokeRoleRequest,
    AuthUserRevokeRoleResponse,
};
use crate::reply::Answer;
use crate::request::{Permission, PermissionKind};
use crate::secret::Secret;

impl Cluster {
    /// Turns authentication on.
    pub async fn auth_enable(&self) -> Result<Answer<AuthEnableResponse>> {
        let ask = AuthEnableRequest {};
        self.call(Method::once("/etcdserverpb.Auth/AuthEnable"), &ask).await
    }

    /// Turns authentication off.
    pub async fn auth_disable(&self) -> Result<Answer<AuthDisableResponse>> {
        let ask = AuthDisableRequest {};
        self.call(Method::once("/etcdserverpb.Auth/AuthDisable"), &ask).await
    }

    /// Whether authentication is on (etcd 3.5).
    pub async fn auth_status(&self) -> Result<Answer<AuthStatusResponse>> {
        let ask = AuthStatusRequest {};
        self.call(Method::once("/etcdserverpb.Auth/AuthStatus"), &ask).await
    }

    /// A new role without permissions.
    pub async fn role_add(&self, name: String) -> Result<Answer<AuthRoleAddResponse>> {
        let ask = AuthRoleAddRequest { name };
        self.call(Method::once("/etcdserverpb.Auth/RoleAdd"), &ask).await
    }

    /// Deletes a role.
    pub async fn role_delete(&self, role: String) -> Result<Answer<AuthRoleDeleteResponse>> {
        let ask = AuthRoleDeleteRequest { role };
        self.call(Method::once("/etcdserverpb.Auth/RoleDelete"), &ask).await
    }

    /// A role's permissions.
    pub async fn role_get(&self, role: String) -> Result<Answer<AuthRoleGetResponse>> {
        let ask = AuthRoleGetRequest { role };
        self.call(Method::again("/etcdserverpb.Auth/RoleGet"), &ask).await
    }

    /// All roles.
    pub async fn roles(&self) -> Result<Answer<AuthRoleListResponse>> {
        let ask = AuthRoleListRequest {};
        self.call(Method::again("/etcdserverpb.Auth/RoleList"), &ask).await
    }

    /// Deletes a user.
    pub async fn user_delete(&self, name: String) -> Result<Answer<AuthUserDeleteResponse>> {
        let ask = AuthUserDeleteRequest { name };
        self.call(Method::once("/etcdserverpb.Auth/UserDelete"), &ask).await
    }

    /// A user's roles.
    pub async fn user_get(&self, name: String) -> Result<Answer<AuthUserGetResponse>> {
        let ask = AuthUserGetRequest { name };
        self.call(Method::again("/etcdserverpb.Auth/UserGet"), &ask).await
    }

    /// All users.
    pub async fn users(&self) -> Result<Answer<AuthUserListResponse>> {
        let ask = AuthUserListRequest {};
        self.call(Method::again("/etcdserverpb.Auth/UserList"), &ask).await
    }

    /// Gives a user a role.
    pub async fn user_grant_role(
        &self,
        user: String,
        role: String,
    ) -> Result<Answer<AuthUserGrantRoleResponse>> {
        let ask = AuthUserGrantRoleRequest { user, role };
        self.call(Method::once("/etcdserverpb.Auth/UserGrantRole"), &ask).await
    }

    /// Takes a role from a user.
    pub async fn user_revoke_role(
        &self,
        name: String,
        role: String,
    ) -> Result<Answer<AuthUserRevokeRoleResponse>> {
        let ask = AuthUserRevokeRoleRequest { name, role };
        self.call(Method::once("/etcdserverpb.Auth/UserRevokeRole"), &ask).await
    }

    /// Lets a role read, write, or both.
    pub async fn role_grant_permission(
        &self,
        name: String,
        permission: Permission,
    ) -> Result<Answer<AuthRoleGrantPermissionResponse>> {
        let granted = match permission.kind {
            PermissionKind::Read => proto::Permission::read(permission.key),
            PermissionKind::Write => proto::Permission::write(permission.key),
            PermissionKind::ReadWrite => proto::Permission::read_write(permission.key),
        };
        let perm = Some(granted.with_range_end(permission.end).into());
        let ask = AuthRoleGrantPermissionRequest { name, perm };
        self.call(Method::once("/etcdserverpb.Auth/RoleGrantPermission"), &ask).await
    }

    /// Takes a permission from a role.
    pub async fn role_revoke_permission(
        &self,
        role: String,
        key: Vec<u8>,
        range_end: Vec<u8>,
    ) -> Result<Answer<AuthRoleRevokePermissionResponse>> {
        let ask = AuthRoleRevokePermissionRequest { role, key, range_end };
        self.call(Method::once("/etcdserverpb.Auth/RoleRevokePermission"), &ask).await
    }

    /// A new user; one without a password is let in by a certificate alone.
    pub async fn user_add(
        &self,
        name: String,
        password: &Secret,
        no_password: bool,
    ) -> Result<Answer<AuthUserAddResponse>> {
        let password = password.reveal().to_owned();
        let mut ask = AuthUserAddRequest { name, password, ..AuthUserAddRequest::default() };
        ask.options.get_or_insert_default().no_password = no_password;
        let message = self.framed(&ask);
        ask.password.zeroize();
        self.call_framed(Method::once("/etcdserverpb.Auth/UserAdd"), message?).await
    }

    /// Changes a user's password.
    pub async fn user_passwd(
        &self,
        name: String,
        password: &Secret,
    ) -> Result<Answer<AuthUserChangePasswordResponse>> {
        let password = password.reveal().to_owned();
        let mut ask = AuthUserChangePasswordRequest { name, password, ..Default::default() };
        let message = self.framed(&ask);
        ask.password.zeroize();
        self.call_framed(Method::once("/etcdserverpb.Auth/UserChangePassword"), message?).await
    }
}
